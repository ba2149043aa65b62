package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	pointwise{
		types: signed,
		f:     func(x float64) float64 { return -x },
		ints:  func(x int64) int64 { return -x },
		grad:  func(b *op.Backward) *graph.Value { return b.Op("Neg", b.Grad(0)) },
		lo:    -2, hi: 2,
		samples: func() []op.Sample {
			return []op.Sample{
				example("int64", ints(-1<<53-1, 5), ints(1<<53+1, -5)),
				example("int8 wraps", tensor.Vector[int8](-128, 7), tensor.Vector[int8](-128, -7)),
			}
		},
	}.register("Neg", 6, 13)
}
