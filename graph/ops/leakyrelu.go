package ops

import "github.com/onnxtrain/onnxtrain/graph"

// LeakyRelu is alpha x for x <= 0, and x beyond; its slope at 0 is alpha, as in PyTorch.
func init() {
	curve{of: func(a graph.Attrs) (f, slope func(float64) float64) {
		alpha := a.Float("alpha", 0.01)
		return upTo(0, func(x float64) float64 { return alpha * x }, identity),
			upTo(0, constantly(alpha), constantly(1))
	}, straight: true, lo: -3, hi: 3, attrs: []graph.Attrs{graph.MakeAttrs("alpha", 0.1)}}.register("LeakyRelu", 6, 16)
}
