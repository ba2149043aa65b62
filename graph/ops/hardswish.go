package ops

import "github.com/onnxtrain/onnxtrain/graph"

// HardSwish is x max(0, min(1, x/6 + 1/2)).
func init() {
	curve{of: func(graph.Attrs) (f, slope func(float64) float64) {
		f = func(x float64) float64 { return x * max(0, min(1, x/6+0.5)) }
		return f, func(x float64) float64 {
			switch {
			case x < -3:
				return 0
			case x <= 3:
				return x/3 + 0.5
			}
			return 1
		}
	}, lo: -5, hi: 5}.register("HardSwish", 14, 22)
}
