package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

func init() {
	register(globalPool("GlobalAveragePool",
		func(_ *graph.Node, plane []float64) float64 {
			total := 0.0
			for _, v := range plane {
				total += v
			}
			return total / float64(len(plane))
		},
		func(b *op.Backward) {
			shape := b.In(0).Type.Shape
			b.Set(0, b.Op("Expand", scaled(b, b.Grad(0), 1/float64(shape[2:].Elems())), b.Ints(shape...)))
		},
		op.Sample{Name: "values", In: one(count(1, 2, 2, 3)), Want: one(floats32([]int{1, 2, 1, 1}, 2.5, 8.5))},
	), 1, 22)
}
