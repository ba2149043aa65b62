package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

func init() {
	pointwise{
		types: signed, f: func(x float64) float64 { return max(x, 0) }, ints: func(x int64) int64 { return max(x, 0) },
		grad: func(b *op.Backward) *graph.Value { return b.Internal("ReluGrad", nil, b.Grad(0), b.Out(0)) }, lo: -2, hi: 2,
	}.register("Relu", 6, 13, 14)
}
