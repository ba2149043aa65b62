package ops

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	for _, since := range []int{2, 11, 18, 22} {
		op.Register(op.Def{
			Type: "LpPool", Since: since,
			Infer: func(n *graph.Node) error {
				if err := checkNorm(n); err != nil {
					return err
				}
				return inferPool(n, floats)
			},
			Grad: func(b *op.Backward) {
				g, err := PoolGeometry(b.Node)
				if fails(b, err) {
					return
				}
				b.Set(0, b.Internal("LpPoolGrad", g.attrs().With("p", b.Node.Attrs.Int("p", 2)), b.Grad(0), b.In(0)))
			},
			Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
				g, err := PoolGeometry(n)
				if err != nil {
					return err
				}
				x, y := in[0].Float64s(), make([]float64, out[0].Elems())
				p := float64(n.Attrs.Int("p", 2))
				g.pooled(func(o, plane int, w *poolWindow) { y[o] = w.norm(x[plane:], p) })
				out[0].SetFloat64s(y)
				return nil
			},
			Samples: func() []op.Sample { return lpPoolSamples(since) },
		})
	}
}

// checkNorm checks the attribute p of a norm.
func checkNorm(n *graph.Node) error {
	if p := n.Attrs.Int("p", 2); p < 1 {
		return fmt.Errorf("attribute p is %d; a norm needs 1 or more", p)
	}
	return nil
}

// norm is the p-norm of what the window sees.
func (w *poolWindow) norm(x []float64, p float64) float64 {
	total := 0.0
	for _, i := range w.inside {
		total += math.Pow(math.Abs(x[i]), p)
	}
	return math.Pow(total, 1/p)
}

func lpPoolSamples(since int) []op.Sample {
	cubic := poolCase{name: "p=3", x: tensor.Shape{1, 2, 4, 4}, attrs: graph.MakeAttrs("kernel_shape", []int{2, 3}, "p", 3)}
	absolute := poolCase{name: "p=1", x: tensor.Shape{1, 2, 4, 4}, attrs: graph.MakeAttrs("kernel_shape", []int{3, 2}, "p", 1)}
	more := []poolCase{cubic, absolute}
	if since >= 18 {
		more = append(more, wide, holed)
	}
	return append(poolSamples(more...), op.Sample{Name: "values", Attrs: graph.MakeAttrs("kernel_shape", []int{2}, "strides", []int{2}),
		In: one(floats32([]int{1, 1, 4}, 3, -4, 5, 12)), Want: one(floats32([]int{1, 1, 2}, 5, 13))})
}
