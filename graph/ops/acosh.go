package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

func init() {
	unary("Acosh", floats, math.Acosh, 1.2, 4, func(b *op.Backward) *graph.Value {
		square := b.Op("Mul", b.In(0), b.In(0))
		return b.Op("Div", b.Grad(0), b.Op("Sqrt", b.Op("Sub", square, b.Scalar(b.In(0), 1))))
	}, 9, 22)
}
