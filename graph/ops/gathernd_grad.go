package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// GatherNDGrad (indices, dy) is the gradient of GatherND: zeros of the attribute shape, to which the blocks of dy are
// added at the indices.
func init() {
	op.Register(op.Def{
		Domain: op.Internal, Type: "GatherNDGrad", Since: 1,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 2, 2); err != nil {
				return err
			}
			if err := allow(n, 0, indices); err != nil {
				return err
			}
			to := tensor.Shape(n.Attrs.Ints("shape"))
			want, err := addressed(to, shapeOf(n, 0), n.Attrs.Int("batch_dims", 0))
			if err == nil && !want.Equal(shapeOf(n, 1)) {
				err = fmt.Errorf("gradient of shape %v, want %v", shapeOf(n, 1), want)
			}
			if err != nil {
				return err
			}
			return set(n, 0, typeOf(n, 1), to)
		},
		NoGrad: []int{0},
		Grad: func(b *op.Backward) {
			b.Set(1, b.OpAttrs("GatherND", graph.MakeAttrs("batch_dims", b.Node.Attrs.Int("batch_dims", 0)), b.Grad(0), b.In(0)))
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			first, size, err := blocks(in[0], out[0].Shape, n.Attrs.Int("batch_dims", 0))
			if err != nil {
				return err
			}
			clear(out[0].Data)
			scatter(out[0], in[1], first, size, "add")
			return nil
		},
		Samples: func() []op.Sample {
			to := func(name string, batch int, shape []int, index, dy *tensor.Tensor) op.Sample {
				return op.Sample{Name: name, Attrs: graph.MakeAttrs("shape", shape, "batch_dims", batch), In: []*tensor.Tensor{index, dy}}
			}
			twice := to("twice", 0, []int{2, 2}, tensor.Of[int64](tensor.Shape{3, 2}, 0, 1, 1, 0, -2, -1), floats32([]int{3}, 1, 2, 4))
			twice.Want = one(floats32([]int{2, 2}, 0, 5, 2, 0))
			return []op.Sample{
				twice,
				to("rows", 0, []int{3, 2}, tensor.Of[int64](tensor.Shape{2, 1}, 2, 2), op.Normalish(1, 2, 2)),
				to("batch", 1, []int{2, 3, 2}, tensor.Of[int64](tensor.Shape{2, 1}, 2, 0), op.Normalish(2, 2, 2)),
			}
		},
	})
}
