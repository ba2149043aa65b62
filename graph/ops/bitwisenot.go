package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	op.Register(op.Def{
		Type: "BitwiseNot", Since: 18,
		Infer: sameAsFirst(1, 1, integers),
		Eval: func(_ *graph.Node, in, out []*tensor.Tensor) error {
			out[0].SetInt64s(apply(in[0].Int64s(), func(x int64) int64 { return ^x }))
			return nil
		},
		Samples: func() []op.Sample {
			return []op.Sample{
				example("int32", tensor.Vector[int32](-1, 0, -6), tensor.Vector[int32](0, -1, 5)),
				example("uint8", tensor.Vector[uint8](255, 250), tensor.Vector[uint8](0, 5)),
				example("uint64", tensor.Vector[uint64](1<<64-2), tensor.Vector[uint64](1)),
			}
		},
	})
}
