package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

func init() {
	unary("Atanh", floats, math.Atanh, -0.9, 0.9, func(b *op.Backward) *graph.Value {
		return b.Op("Div", b.Grad(0), oneMinusSquare(b, b.In(0)))
	}, 9, 22)
}
