package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	x, dy := normal(1, 5, 7, 90, 11), normal(2, 5, 7, 90, 11)
	each := op.Uniform(3, 0.01, 0.03, 7)
	zero := tensor.Vector[int8](0, 3, -5, 100, -100, 7, 1)
	one := tensor.Scalar[float32](0.0123)
	for _, axis := range []int{1, -3} {
		attrs := graph.MakeAttrs("axis", axis)
		more(op.Internal, "FakeQuantize", "channels", attrs, x, each, zero).Const = []int{1, 2}
		more(op.Internal, "FakeQuantizeGrad", "channels", attrs, x, each, zero, dy).Const = []int{1, 2}
	}
	more(op.Internal, "FakeQuantize", "one scale", graph.MakeAttrs("output_dtype", 5), x, one, nil).Const = []int{1}
	more(op.Internal, "FakeQuantizeGrad", "one scale", nil, x, one, nil, dy).Const = []int{1}
}
