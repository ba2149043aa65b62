package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

func init() {
	unary("Reciprocal", floats, func(x float64) float64 { return 1 / x }, 0.5, 3, func(b *op.Backward) *graph.Value {
		return b.Op("Neg", b.Op("Mul", b.Grad(0), b.Op("Mul", b.Out(0), b.Out(0))))
	}, 6, 13)
}
