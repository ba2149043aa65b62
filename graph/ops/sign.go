package ops

import (
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Sign is -1, 0 or 1, and NaN of NaN. Its gradient is zero wherever there is one, so gradients stop.
func init() {
	pointwise{
		types: numeric,
		f: func(x float64) float64 {
			switch {
			case x > 0:
				return 1
			case x < 0:
				return -1
			}
			return x
		},
		ints:  func(x int64) int64 { return max(-1, min(x, 1)) },
		uints: func(x uint64) uint64 { return min(x, 1) },
		lo:    -2, hi: 2,
		samples: func() []op.Sample {
			return []op.Sample{
				example("floats", tensor.Vector(-1, 0, 1, nan), tensor.Vector(-0.5, 0, 1e-300, nan)),
				example("int64", ints(-1, 0, 1), ints(-1<<62, 0, 1<<62)),
				example("uint64", tensor.Vector[uint64](0, 1), tensor.Vector[uint64](0, 1<<63)),
			}
		},
	}.register("Sign", 9, 13)
}
