package ops

import "github.com/onnxtrain/onnxtrain/graph"

// Swish is x sigmoid(alpha x) (Ramachandran, Zoph, Le 2017); with an alpha of 1 it is SiLU.
func init() {
	curve{of: func(a graph.Attrs) (f, slope func(float64) float64) {
		return swish(a.Float("alpha", 1))
	}, lo: -4, hi: 4, attrs: []graph.Attrs{graph.MakeAttrs("alpha", 1.702)}}.register("Swish", 24)
}

func swish(alpha float64) (f, slope func(x float64) float64) {
	f = func(x float64) float64 { return x * sigmoid(alpha*x) }
	return f, func(x float64) float64 {
		s := sigmoid(alpha * x)
		return s + alpha*x*s*(1-s)
	}
}
