package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Round goes to the nearest integer, halves to the even one. Its gradient is zero wherever there is one, so gradients
// stop.
func init() {
	pointwise{types: floats, f: math.RoundToEven, lo: -3, hi: 3, samples: func() []op.Sample {
		return []op.Sample{example("halves", tensor.Vector[float32](1, 2, 2, 2, -4, -2, 0, 0),
			tensor.Vector[float32](0.9, 2.5, 2.3, 1.5, -4.5, -2.5, 0.5, -0.5))}
	}}.register("Round", 11, 22)
}
