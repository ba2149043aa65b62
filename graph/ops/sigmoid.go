package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

func init() {
	unary("Sigmoid", floats, sigmoid, -4, 4, func(b *op.Backward) *graph.Value {
		return b.Internal("SigmoidGrad", nil, b.Grad(0), b.Out(0))
	}, 6, 13)
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
