package ops

import "github.com/onnxtrain/onnxtrain/graph/op"

func init() {
	argOp("ArgMax", func(cmp int) bool { return cmp > 0 }, func(since int) []op.Sample { return argSamples(since, 0, 2, 1) })
}
