package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// The gradient of Abs at 0 is 0, as in PyTorch.
func init() {
	pointwise{
		types: numeric,
		f:     math.Abs,
		ints:  func(x int64) int64 { return max(x, -x) },
		uints: func(x uint64) uint64 { return x },
		grad:  func(b *op.Backward) *graph.Value { return b.Op("Mul", b.Grad(0), b.Op("Sign", b.In(0))) },
		lo:    -2, hi: 2,
		samples: func() []op.Sample {
			return []op.Sample{
				example("int64", ints(1<<53+1, 5), ints(-1<<53-1, 5)),
				example("uint64", tensor.Vector[uint64](1<<64-1), tensor.Vector[uint64](1<<64-1)),
			}
		},
	}.register("Abs", 6, 13)
}
