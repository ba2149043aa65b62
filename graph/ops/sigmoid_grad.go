package ops

import "github.com/onnxtrain/onnxtrain/graph/op"

// SigmoidGrad(dy, y) is dy y (1 - y).
func init() {
	smoothGrad("SigmoidGrad", func(dy, y float64) float64 { return dy * y * (1 - y) }, 0.05, 0.95, func(b *op.Backward) {
		b.Set(0, b.Internal("SigmoidGrad", nil, b.Grad(0), b.In(1)))
		if b.Want(1) {
			slope := b.Op("Sub", b.Scalar(b.In(1), 1), scaled(b, b.In(1), 2))
			b.Set(1, b.Op("Mul", b.Grad(0), b.Op("Mul", b.In(0), slope)))
		}
	})
}
