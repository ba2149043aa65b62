package ops

import "github.com/onnxtrain/onnxtrain/graph"

// HardSigmoid is alpha x + beta, limited to [0, 1]; at the limits its slope is 0, as in PyTorch.
func init() {
	curve{
		of: func(a graph.Attrs) (f, slope func(float64) float64) {
			alpha, beta := a.Float("alpha", 0.2), a.Float("beta", 0.5)
			f = func(x float64) float64 { return max(0, min(1, alpha*x+beta)) }
			return f, func(x float64) float64 {
				if y := alpha*x + beta; y > 0 && y < 1 {
					return alpha
				}
				return 0
			}
		},
		straight: true, lo: -4, hi: 4,
		attrs: []graph.Attrs{graph.MakeAttrs("alpha", 0.5, "beta", 0.6)},
	}.register("HardSigmoid", 6, 22)
}
