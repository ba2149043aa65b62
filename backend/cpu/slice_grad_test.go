package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

func init() {
	more(op.Internal, "SliceGrad", "every other row and column", graph.MakeAttrs("shape", []int{3, 16, 60, 70}, "starts", []int{0, 0, 0, 1},
		"steps", []int{1, 1, 2, 2}), normal(1, 3, 16, 30, 35))
	more(op.Internal, "SliceGrad", "backwards", graph.MakeAttrs("shape", []int{9, 60, 70}, "starts", []int{8, 3, 69},
		"steps", []int{-2, 1, -3}), normal(1, 5, 57, 23))
	more(op.Internal, "SliceGrad", "integers", graph.MakeAttrs("shape", []int{20, 70}, "starts", []int{0, 2}, "steps", []int{4, 1}), ints(1, 9, 5, 60))
}
