package ops

import (
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	binary("Sub", numeric,
		func(x, y float64) float64 { return x - y },
		func(x, y int64) int64 { return x - y },
		func(b *op.Backward) {
			b.Set(0, b.Grad(0))
			if b.Want(1) {
				b.Set(1, b.Op("Neg", b.SumTo(b.Grad(0), b.In(1).Type.Shape)))
			}
		},
		pairSamples(-2, 2,
			example("uint8 wraps", tensor.Vector[uint8](255, 1), tensor.Vector[uint8](1, 3), tensor.Vector[uint8](2, 2)),
			example("uint64", tensor.Vector[uint64](1<<63+1), tensor.Vector[uint64](1<<63+3), tensor.Vector[uint64](2))),
		7, 13, 14)
}
