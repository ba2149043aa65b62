package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
)

// Softsign is x/(1 + |x|).
func init() {
	curve{of: func(graph.Attrs) (f, slope func(float64) float64) {
		f = func(x float64) float64 { return x / (1 + math.Abs(x)) }
		return f, func(x float64) float64 { return 1 / ((1 + math.Abs(x)) * (1 + math.Abs(x))) }
	}, lo: -3, hi: 3}.register("Softsign", 1, 22)
}
