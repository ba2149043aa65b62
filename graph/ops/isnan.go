package ops

import (
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	pointwise{
		types: floats, to: tensor.Bool,
		f: func(x float64) float64 {
			if x != x {
				return 1
			}
			return 0
		},
		lo: -1, hi: 1,
		samples: func() []op.Sample {
			return []op.Sample{example("both", tensor.Vector(true, false), tensor.Vector(nan, 1))}
		},
	}.register("IsNaN", 9, 13, 20)
}
