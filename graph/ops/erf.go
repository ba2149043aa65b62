package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

func init() {
	grad := func(b *op.Backward) *graph.Value {
		slope := b.Op("Exp", b.Op("Neg", b.Op("Mul", b.In(0), b.In(0))))
		return b.Op("Mul", scaled(b, b.Grad(0), 2/math.Sqrt(math.Pi)), slope)
	}
	unary("Erf", numeric, math.Erf, -2, 2, grad, 9)
	unary("Erf", floats, math.Erf, -2, 2, grad, 13)
}
