package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// The gradient of Ceil is zero wherever there is one, so gradients stop.
func init() {
	pointwise{types: floats, f: math.Ceil, lo: -3, hi: 3, samples: func() []op.Sample {
		return []op.Sample{example("values", tensor.Vector[float32](-1, -1, 2, 2, 0),
			tensor.Vector[float32](-1.5, -1, 1.2, 2, 0))}
	}}.register("Ceil", 6, 13)
}
