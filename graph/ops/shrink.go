package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Shrink is x + bias below -lambd, x - bias above lambd, and 0 between. Integers are computed as numbers and truncated.
func init() {
	curve{
		types: numeric,
		of: func(a graph.Attrs) (f, slope func(float64) float64) {
			bias, lambd := a.Float("bias", 0), a.Float("lambd", 0.5)
			f = func(x float64) float64 {
				switch {
				case x < -lambd:
					return x + bias
				case x > lambd:
					return x - bias
				}
				return 0
			}
			return f, func(x float64) float64 {
				if x < -lambd || x > lambd {
					return 1
				}
				return 0
			}
		},
		straight: true, lo: -3, hi: 3,
		attrs: []graph.Attrs{graph.MakeAttrs("bias", 1.5, "lambd", 1.5)},
		samples: func() []op.Sample {
			return []op.Sample{with(example("int32", tensor.Vector[int32](-1, 0, 1), tensor.Vector[int32](-2, 1, 2)),
				"bias", 1.0, "lambd", 1.5)}
		},
	}.register("Shrink", 9)
}
