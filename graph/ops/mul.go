package ops

import "github.com/onnxtrain/onnxtrain/graph/op"

func init() {
	binary("Mul", numeric,
		func(x, y float64) float64 { return x * y },
		func(x, y int64) int64 { return x * y },
		func(b *op.Backward) {
			if b.Want(0) {
				b.Set(0, b.Op("Mul", b.Grad(0), b.In(1)))
			}
			if b.Want(1) {
				b.Set(1, b.Op("Mul", b.Grad(0), b.In(0)))
			}
		},
		pairSamples(-2, 2), 7, 13, 14)
}
