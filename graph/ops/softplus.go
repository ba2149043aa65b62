package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

func init() {
	unary("Softplus", floats, softplus, -4, 4, func(b *op.Backward) *graph.Value {
		return b.Op("Mul", b.Grad(0), b.Op("Sigmoid", b.In(0)))
	}, 1, 22)
}

// softplus is log(1 + exp(x)) in a form that does not overflow.
func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }
