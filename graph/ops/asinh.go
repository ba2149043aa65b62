package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

func init() {
	unary("Asinh", floats, math.Asinh, -3, 3, func(b *op.Backward) *graph.Value {
		square := b.Op("Mul", b.In(0), b.In(0))
		return b.Op("Div", b.Grad(0), b.Op("Sqrt", b.Op("Add", square, b.Scalar(b.In(0), 1))))
	}, 9, 22)
}
