package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	for _, ratio := range []float64{0.1, 0.5} {
		more(op.Internal, "Dropout", "two chunks", graph.MakeAttrs("ratio", ratio, "key", 5), normal(1, 17, 1001),
			tensor.Vector[int64](11, 12))
	}
}
