package ops

import "github.com/onnxtrain/onnxtrain/graph"

// ThresholdedRelu is x above alpha, and 0 up to it.
func init() {
	curve{of: func(a graph.Attrs) (f, slope func(float64) float64) {
		alpha := a.Float("alpha", 1)
		return upTo(alpha, constantly(0), identity), upTo(alpha, constantly(0), constantly(1))
	}, straight: true, lo: -3, hi: 3, attrs: []graph.Attrs{graph.MakeAttrs("alpha", 2.0)}}.register("ThresholdedRelu", 10, 22)
}
