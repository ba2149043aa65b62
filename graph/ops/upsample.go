package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	op.Register(resizeDef("Upsample", 7, 1, func() []op.Sample {
		attrs := graph.MakeAttrs("scales", []float32{1, 1, 2, 3})
		return []op.Sample{
			{Name: "nearest", Attrs: attrs, In: one(floats32([]int{1, 1, 1, 2}, 1, 2)),
				Want: one(floats32([]int{1, 1, 2, 6}, 1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2))},
			{Name: "linear", Attrs: attrs.With("mode", "linear"), In: one(op.Normalish(1, 1, 2, 2, 3))},
		}
	}))
	op.Register(resizeDef("Upsample", 9, 2, func() []op.Sample {
		scales := tensor.Vector[float32](1, 1, 2, 3)
		return []op.Sample{
			{Name: "nearest", In: []*tensor.Tensor{floats32([]int{1, 1, 1, 2}, 1, 2), scales}, Const: []int{1},
				Want: one(floats32([]int{1, 1, 2, 6}, 1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2))},
			{Name: "linear", Attrs: graph.MakeAttrs("mode", "linear"), In: []*tensor.Tensor{op.Normalish(1, 1, 2, 2, 3), scales}, Const: []int{1}},
		}
	}))
}
