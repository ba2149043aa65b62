package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

func init() {
	unary("Sqrt", floats, math.Sqrt, 0.1, 3, func(b *op.Backward) *graph.Value {
		return b.Op("Div", scaled(b, b.Grad(0), 0.5), b.Out(0))
	}, 6, 13)
}
