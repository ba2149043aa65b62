package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

func init() {
	d := globalPool("GlobalLpPool",
		func(n *graph.Node, plane []float64) float64 {
			p, total := float64(n.Attrs.Int("p", 2)), 0.0
			for _, v := range plane {
				total += math.Pow(math.Abs(v), p)
			}
			return math.Pow(total, 1/p)
		},
		func(b *op.Backward) {
			attrs, dy, x := lines(b)
			dx := b.Internal("LpPoolGrad", attrs.With("p", b.Node.Attrs.Int("p", 2)), dy, x)
			b.Set(0, b.Reshape(dx, b.In(0).Type.Shape))
		},
		op.Sample{Name: "values", In: one(floats32([]int{1, 2, 1, 2}, 3, -4, 5, 12)), Want: one(floats32([]int{1, 2, 1, 1}, 5, 13))},
		op.Sample{Name: "p=3", Attrs: graph.MakeAttrs("p", 3), In: one(op.Normalish(4, 2, 2, 5))},
	)
	infer := d.Infer
	d.Infer = func(n *graph.Node) error {
		if err := checkNorm(n); err != nil {
			return err
		}
		return infer(n)
	}
	register(d, 2, 22)
}
