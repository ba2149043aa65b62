package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	pointwise{
		types: floats, to: tensor.Bool,
		of: func(a graph.Attrs) func(float64) float64 {
			positive, negative := a.Bool("detect_positive", true), a.Bool("detect_negative", true)
			return func(x float64) float64 {
				if positive && math.IsInf(x, 1) || negative && math.IsInf(x, -1) {
					return 1
				}
				return 0
			}
		},
		lo: -1, hi: 1,
		samples: func() []op.Sample {
			inf := math.Inf(1)
			in := tensor.Vector(1, inf, -inf, nan)
			return []op.Sample{
				example("both", tensor.Vector(false, true, true, false), in),
				with(example("positive", tensor.Vector(false, true, false, false), in), "detect_negative", 0),
				with(example("negative", tensor.Vector(false, false, true, false), in), "detect_positive", 0),
			}
		},
	}.register("IsInf", 10, 20)
}
