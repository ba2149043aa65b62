package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// SumTo is the gradient of broadcasting: it sums over the axes along which shape would be repeated to give the
// input's.
func init() {
	op.Register(op.Def{
		Domain: op.Internal, Type: "SumTo", Since: 1,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 1, 1); err != nil {
				return err
			}
			to := tensor.Shape(n.Attrs.Ints("shape"))
			whole, err := tensor.Broadcast(to, shapeOf(n, 0))
			if err == nil && !whole.Equal(shapeOf(n, 0)) {
				err = fmt.Errorf("shape %v does not broadcast to %v", to, shapeOf(n, 0))
			}
			if err != nil {
				return err
			}
			return set(n, 0, typeOf(n, 0), to)
		},
		Grad: func(b *op.Backward) {
			b.Set(0, b.Op("Expand", b.Grad(0), b.Ints(b.In(0).Type.Shape...)))
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			x := in[0].Float64s()
			sums := make([]float64, out[0].Elems())
			walk(in[0].Shape, func(i int, at []int) { sums[at[0]] += x[i] }, out[0].Shape.BroadcastStrides(in[0].Shape))
			out[0].SetFloat64s(sums)
			return nil
		},
		Samples: func() []op.Sample {
			to := func(name string, from, shape []int) op.Sample {
				return op.Sample{Name: name, Attrs: graph.MakeAttrs("shape", shape), In: []*tensor.Tensor{op.Normalish(7, from...)}}
			}
			return []op.Sample{
				to("bias", []int{5, 4}, []int{4}),
				to("column", []int{5, 4}, []int{5, 1}),
				to("channels", []int{2, 3, 4, 4}, []int{3, 1, 1}),
				to("batch", []int{4, 2, 3}, []int{1, 2, 3}),
				to("scalar", []int{3, 2}, []int{}),
			}
		},
	})
}
