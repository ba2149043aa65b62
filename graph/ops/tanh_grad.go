package ops

import "github.com/onnxtrain/onnxtrain/graph/op"

// TanhGrad(dy, y) is dy (1 - y²).
func init() {
	smoothGrad("TanhGrad", func(dy, y float64) float64 { return dy * (1 - y*y) }, -0.95, 0.95, func(b *op.Backward) {
		b.Set(0, b.Internal("TanhGrad", nil, b.Grad(0), b.In(1)))
		if b.Want(1) {
			b.Set(1, scaled(b, b.Op("Mul", b.Grad(0), b.Op("Mul", b.In(0), b.In(1))), -2))
		}
	})
}
