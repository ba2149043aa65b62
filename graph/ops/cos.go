package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

func init() {
	unary("Cos", floats, math.Cos, -4, 4, func(b *op.Backward) *graph.Value {
		return b.Op("Neg", b.Op("Mul", b.Grad(0), b.Op("Sin", b.In(0))))
	}, 7, 22)
}
