package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	for _, since := range []int{1, 7, 10, 11, 19, 22} {
		op.Register(op.Def{
			Type: "AveragePool", Since: since,
			Infer: func(n *graph.Node) error { return inferPool(n, floats) },
			Grad: func(b *op.Backward) {
				g, err := PoolGeometry(b.Node)
				if fails(b, err) {
					return
				}
				attrs := g.attrs().With("shape", []int(g.inShape())).With("count_include_pad", b.Node.Attrs.Int("count_include_pad", 0))
				b.Set(0, b.Internal("AveragePoolGrad", attrs, b.Grad(0)))
			},
			Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
				g, err := PoolGeometry(n)
				if err != nil {
					return err
				}
				x, y := in[0].Float64s(), make([]float64, out[0].Elems())
				pads := n.Attrs.Bool("count_include_pad", false)
				g.pooled(func(o, plane int, w *poolWindow) {
					for _, i := range w.inside {
						y[o] += x[plane+i]
					}
					y[o] /= w.divisor(pads)
				})
				out[0].SetFloat64s(y)
				return nil
			},
			Samples: func() []op.Sample { return averagePoolSamples(since) },
		})
	}
}

// divisor is the number of elements that the average is over: those on the input, or with pads those on the padded
// input, which is less than the kernel where ceil mode reaches over it.
func (w *poolWindow) divisor(pads bool) float64 {
	if pads {
		return float64(max(w.padded, 1))
	}
	return float64(max(len(w.inside), 1))
}

func averagePoolSamples(since int) []op.Sample {
	var more []poolCase
	if since >= 10 {
		counted := wide
		counted.name, counted.attrs = "ceil, counting pads", wide.attrs.With("count_include_pad", 1)
		more = []poolCase{wide, counted}
	}
	if since >= 19 {
		more = append(more, holed)
	}
	return append(poolSamples(more...),
		op.Sample{Name: "values", Attrs: graph.MakeAttrs("kernel_shape", []int{2, 2}, "pads", []int{1, 0, 0, 1}), In: one(count(1, 1, 2, 2)),
			Want: one(floats32([]int{1, 1, 2, 2}, 0.5, 1, 1.5, 2))},
		op.Sample{Name: "values counting pads", In: one(count(1, 1, 2, 2)),
			Attrs: graph.MakeAttrs("kernel_shape", []int{2, 2}, "pads", []int{1, 0, 0, 1}, "count_include_pad", 1),
			Want:  one(floats32([]int{1, 1, 2, 2}, 0.25, 0.25, 1.5, 1))})
}
