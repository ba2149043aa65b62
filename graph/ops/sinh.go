package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

func init() {
	unary("Sinh", floats, math.Sinh, -2, 2, func(b *op.Backward) *graph.Value {
		return b.Op("Mul", b.Grad(0), b.Op("Cosh", b.In(0)))
	}, 9, 22)
}
