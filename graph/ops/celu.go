package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
)

// Celu is alpha (exp(x/alpha) - 1) for x <= 0, and x beyond.
func init() {
	curve{of: func(a graph.Attrs) (f, slope func(float64) float64) {
		alpha := a.Float("alpha", 1)
		return upTo(0, func(x float64) float64 { return alpha * math.Expm1(x/alpha) }, identity),
			upTo(0, func(x float64) float64 { return math.Exp(x / alpha) }, constantly(1))
	}, lo: -3, hi: 3, attrs: []graph.Attrs{graph.MakeAttrs("alpha", 2.0)}}.register("Celu", 12, 28)
}
