package ops

import (
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	f := arithmetic{larger[float64], larger[int64], larger[uint64]}
	floating := func() []op.Sample {
		return []op.Sample{
			example("three", floats32([]int{3}, 3, 5, 4), floats32([]int{3}, 3, 2, 1), floats32([]int{3}, 1, 4, 4),
				floats32([]int{3}, 2, 5, 3)),
			kink(example("NaN", tensor.Vector(nan, nan), tensor.Vector(nan, 1), tensor.Vector(1, nan))),
		}
	}
	extreme("Max", floats, f, floating, 6, 8)
	extreme("Max", numeric, f, func() []op.Sample {
		return append(floating(),
			example("int64", ints(1<<53+1), ints(1<<53), ints(1<<53+1)),
			example("uint64", tensor.Vector[uint64](1<<63), tensor.Vector[uint64](1<<63), tensor.Vector[uint64](1)))
	}, 12, 13)
}

// larger is the greater of two numbers, and NaN when either is.
func larger[T float64 | int64 | uint64](x, y T) T { return max(x, y) }
