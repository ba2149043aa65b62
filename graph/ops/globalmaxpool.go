package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

func init() {
	register(globalPool("GlobalMaxPool",
		func(_ *graph.Node, plane []float64) float64 {
			top := plane[0]
			for _, v := range plane {
				top = max(top, v)
			}
			return top
		},
		func(b *op.Backward) {
			attrs, dy, x := lines(b)
			b.Set(0, b.Reshape(b.Internal("MaxPoolGrad", attrs, dy, x), b.In(0).Type.Shape))
		},
		op.Sample{Name: "values", In: one(floats32([]int{1, 2, 2, 2}, -1, -3, -2, -4, 1, 3, 2, 0)), Want: one(floats32([]int{1, 2, 1, 1}, -1, 3))},
	), 1, 22)
}
