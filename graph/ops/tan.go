package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

func init() {
	unary("Tan", floats, math.Tan, -1.2, 1.2, func(b *op.Backward) *graph.Value {
		square := b.Op("Mul", b.Out(0), b.Out(0))
		return b.Op("Mul", b.Grad(0), b.Op("Add", square, b.Scalar(b.In(0), 1)))
	}, 7, 22)
}
