package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
)

// Mish is x tanh(log(1 + exp(x))) (Misra 2019).
func init() {
	curve{of: func(graph.Attrs) (f, slope func(float64) float64) {
		f = func(x float64) float64 { return x * math.Tanh(softplus(x)) }
		return f, func(x float64) float64 {
			t := math.Tanh(softplus(x))
			return t + x*(1-t*t)*sigmoid(x)
		}
	}, lo: -4, hi: 4}.register("Mish", 18, 22)
}
