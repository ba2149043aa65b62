package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

func init() {
	unary("Asin", floats, math.Asin, -0.9, 0.9, func(b *op.Backward) *graph.Value {
		return b.Op("Div", b.Grad(0), b.Op("Sqrt", oneMinusSquare(b, b.In(0))))
	}, 7, 22)
}

// oneMinusSquare emits 1 - v².
func oneMinusSquare(b *op.Backward, v *graph.Value) *graph.Value {
	return b.Op("Sub", b.Scalar(b.In(0), 1), b.Op("Mul", v, v))
}
