package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

func init() {
	unary("Sin", floats, math.Sin, -4, 4, func(b *op.Backward) *graph.Value {
		return b.Op("Mul", b.Grad(0), b.Op("Cos", b.In(0)))
	}, 7, 22)
}
