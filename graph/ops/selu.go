package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
)

// Selu is gamma alpha (exp(x) - 1) for x <= 0, and gamma x beyond.
func init() {
	curve{of: func(a graph.Attrs) (f, slope func(float64) float64) {
		alpha, gamma := a.Float("alpha", 1.67326319217681884765625), a.Float("gamma", 1.05070102214813232421875)
		low := func(x float64) float64 { return gamma * alpha * math.Expm1(x) }
		lowSlope := func(x float64) float64 { return gamma * alpha * math.Exp(x) }
		return upTo(0, low, func(x float64) float64 { return gamma * x }), upTo(0, lowSlope, constantly(gamma))
	}, lo: -3, hi: 3, attrs: []graph.Attrs{graph.MakeAttrs("alpha", 2.0, "gamma", 3.0)}}.register("Selu", 6, 22)
}
