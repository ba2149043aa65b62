package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

func init() {
	unary("Tanh", floats, math.Tanh, -3, 3, func(b *op.Backward) *graph.Value {
		return b.Internal("TanhGrad", nil, b.Grad(0), b.Out(0))
	}, 6, 13)
}
