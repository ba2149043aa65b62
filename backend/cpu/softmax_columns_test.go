package cpu

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

func init() {
	for _, c := range []struct {
		shape []int
		axis  int
	}{{[]int{3, 21, 17, 33}, 1}, {[]int{700, 65}, 0}, {[]int{5, 2, 600}, 1}, {[]int{4, 1, 7}, 1}} {
		attrs := graph.MakeAttrs("axis", c.axis)
		x := normal(1, c.shape...)
		more("", "Softmax", "columns", attrs, x)
		more("", "LogSoftmax", "columns", attrs, x)
		more(op.Internal, "SoftmaxGrad", "columns", attrs, x, op.Uniform(2, 0, 1, c.shape...))
		more(op.Internal, "LogSoftmaxGrad", "columns", attrs, x, op.Uniform(2, -5, 0, c.shape...))
	}
	masked := normal(1, 3, 40)
	for i := range 3 {
		masked.F32()[i*40+7] = float32(math.Inf(-1))
		masked.F32()[i*40+i] = float32(math.Inf(-1))
	}
	more("", "Softmax", "masked columns", graph.MakeAttrs("axis", 0), masked)
	more("", "LogSoftmax", "masked columns", graph.MakeAttrs("axis", 0), masked)
}
