package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	more(op.Internal, "Uniform", "two chunks", graph.MakeAttrs("shape", []int{17, 1001}, "key", -5), tensor.Vector[int64](11, 12))
}
