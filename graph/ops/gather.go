package ops

import (
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	register(op.Def{
		Type: "Gather",
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
			from := shapeOf(n, 0)
			return set(n, 0, typeOf(n, 0), slices.Concat(from[:axis], shapeOf(n, 1), from[axis+1:]))
		},
		NoGrad: []int{1},
		Grad: func(b *op.Backward) {
			attrs := graph.MakeAttrs("shape", []int(b.In(0).Type.Shape), "axis", b.Node.Attrs.Int("axis", 0))
			b.Set(0, b.Internal("ScatterAddRows", attrs, b.In(1), b.Grad(0)))
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			axis, err := axisOf(n, 0)
			if err != nil {
				return err
			}
			outer, along, inner := around(in[0].Shape, axis)
			at, err := positions(in[1], along)
			if err != nil {
				return err
			}
			row := inner * in[0].DType.Size()
			for o := range outer {
				for k, from := range at {
					copy(out[0].Data[(o*len(at)+k)*row:][:row], in[0].Data[(o*along+from)*row:])
				}
			}
			return nil
		},
		Samples: func() []op.Sample {
			at := func(name string, axis int, x, index *tensor.Tensor) op.Sample {
				return op.Sample{Name: name, Attrs: graph.MakeAttrs("axis", axis), In: []*tensor.Tensor{x, index}}
			}
			rows := at("rows", 0, count(3, 2), tensor.Of[int64](tensor.Shape{2, 2}, 0, 1, 1, 2))
			rows.Want = one(floats32([]int{2, 2, 2}, 0, 1, 2, 3, 2, 3, 4, 5))
			columns := at("columns", 1, count(3, 3), tensor.Of[int64](tensor.Shape{1, 2}, 0, 2))
			columns.Want = one(floats32([]int{3, 1, 2}, 0, 2, 3, 5, 6, 8))
			negative := at("negative", 0, tensor.Vector[int64](5, 6, 7), tensor.Scalar[int32](-1))
			negative.Want = one(tensor.Scalar[int64](7))
			return []op.Sample{
				rows, columns, negative,
				at("embedding", 0, op.Normalish(1, 5, 3), tensor.Of[int64](tensor.Shape{2, 3}, 4, 0, 0, 2, -1, 4)),
				at("middle axis", 1, op.Normalish(2, 2, 3, 4), tensor.Vector[int32](2, 0)),
				at("drops the axis", -1, op.Normalish(3, 2, 3), tensor.Scalar[int64](1)),
				at("nothing", 0, op.Normalish(4, 2, 3), tensor.Vector[int64]()),
			}
		},
	}, 1, 11, 13)
}
