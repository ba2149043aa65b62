package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	register(op.Def{
		Type: "GatherElements",
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 2, 2); err != nil {
				return err
			}
			if err := allow(n, 1, indices); err != nil {
				return err
			}
			axis, err := axisOf(n, 0)
			if err != nil {
				return err
			}
			if err := fitsAlong(n, axis); err != nil {
				return err
			}
			return set(n, 0, typeOf(n, 0), shapeOf(n, 1))
		},
		NoGrad: []int{1},
		Grad: func(b *op.Backward) {
			attrs := graph.MakeAttrs("axis", b.Node.Attrs.Int("axis", 0), "reduction", "add")
			b.Set(0, b.OpAttrs("ScatterElements", attrs, zeros(b, b.In(0)), b.In(1), b.Grad(0)))
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			axis, err := axisOf(n, 0)
			if err != nil {
				return err
			}
			at, err := alongAxis(in[1], in[0].Shape, axis)
			if err != nil {
				return err
			}
			for i, from := range at {
				copyElem(out[0], i, in[0], from)
			}
			return nil
		},
		Samples: func() []op.Sample {
			at := func(name string, axis int, x, index *tensor.Tensor, want ...*tensor.Tensor) op.Sample {
				return op.Sample{Name: name, Attrs: graph.MakeAttrs("axis", axis), In: []*tensor.Tensor{x, index}, Want: want}
			}
			nine := floats32([]int{3, 3}, 1, 2, 3, 4, 5, 6, 7, 8, 9)
			return []op.Sample{
				at("columns", 1, floats32([]int{2, 2}, 1, 2, 3, 4), tensor.Of[int64](tensor.Shape{2, 2}, 0, 0, 1, 0),
					floats32([]int{2, 2}, 1, 1, 4, 3)),
				at("rows", 0, nine, tensor.Of[int32](tensor.Shape{2, 3}, 1, 2, 0, 2, 0, 0), floats32([]int{2, 3}, 4, 8, 3, 7, 2, 3)),
				at("negative", 0, nine, tensor.Of[int64](tensor.Shape{2, 3}, -1, -2, 0, -2, 0, 0), floats32([]int{2, 3}, 7, 5, 3, 4, 2, 3)),
				at("fewer columns", -2, op.Normalish(1, 2, 3, 4), tensor.Of[int64](tensor.Shape{1, 4, 2}, 0, 1, 2, 0, 1, 2, 2, 2)),
			}
		},
	}, 11, 13)
}
