package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

func init() {
	unary("Relu", signed, func(x float64) float64 {
		if math.IsNaN(x) {
			return x
		}
		return max(x, 0)
	}, -2, 2, func(b *op.Backward) *graph.Value {
		return b.Internal("ReluGrad", nil, b.Grad(0), b.Out(0))
	}, 6, 13, 14)
}
