package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

func init() {
	unary("Log", floats, math.Log, 0.1, 3, func(b *op.Backward) *graph.Value {
		return b.Op("Div", b.Grad(0), b.In(0))
	}, 6, 13)
}
