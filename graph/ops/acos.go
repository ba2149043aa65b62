package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

func init() {
	unary("Acos", floats, math.Acos, -0.9, 0.9, func(b *op.Backward) *graph.Value {
		return b.Op("Neg", b.Op("Div", b.Grad(0), b.Op("Sqrt", oneMinusSquare(b, b.In(0)))))
	}, 7, 22)
}
