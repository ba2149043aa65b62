package ops

import (
	"fmt"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// ScatterAddRows (indices, dy) is the gradient of Gather: zeros of the attribute shape, to which the slices of dy
// along the attribute axis are added at the indices.
func init() {
	op.Register(op.Def{
		Domain: op.Internal, Type: "ScatterAddRows", Since: 1,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 2, 2); err != nil {
				return err
			}
			if err := allow(n, 0, indices); err != nil {
				return err
			}
			to := tensor.Shape(n.Attrs.Ints("shape"))
			axis, err := to.Axis(n.Attrs.Int("axis", 0))
			if err != nil {
				return err
			}
			if want := slices.Concat(to[:axis], shapeOf(n, 0), to[axis+1:]); !shapeOf(n, 1).Equal(want) {
				return fmt.Errorf("gradient of shape %v, want %v", shapeOf(n, 1), want)
			}
			return set(n, 0, typeOf(n, 1), to)
		},
		NoGrad: []int{0},
		Grad: func(b *op.Backward) {
			b.Set(1, b.OpAttrs("Gather", graph.MakeAttrs("axis", b.Node.Attrs.Int("axis", 0)), b.Grad(0), b.In(0)))
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			axis, err := out[0].Shape.Axis(n.Attrs.Int("axis", 0))
			if err != nil {
				return err
			}
			outer, along, inner := around(out[0].Shape, axis)
			at, err := positions(in[0], along)
			if err != nil {
				return err
			}
			dy, sums := in[1].Float64s(), make([]float64, out[0].Elems())
			for o := range outer {
				for k, row := range at {
					to := sums[(o*along+row)*inner:][:inner]
					for i, v := range dy[(o*len(at)+k)*inner:][:inner] {
						to[i] += v
					}
				}
			}
			out[0].SetFloat64s(sums)
			return nil
		},
		Samples: func() []op.Sample {
			to := func(name string, axis int, shape []int, index, dy *tensor.Tensor) op.Sample {
				return op.Sample{Name: name, Attrs: graph.MakeAttrs("shape", shape, "axis", axis), In: []*tensor.Tensor{index, dy}}
			}
			rows := to("rows", 0, []int{3, 2}, tensor.Vector[int64](2, 0, -1), floats32([]int{3, 2}, 1, 2, 3, 4, 5, 6))
			rows.Want = one(floats32([]int{3, 2}, 3, 4, 0, 0, 6, 8))
			return []op.Sample{
				rows,
				to("columns", 1, []int{2, 3}, tensor.Vector[int32](1, 1), op.Normalish(1, 2, 2)),
				to("matrix of indices", 0, []int{4, 3}, tensor.Of[int64](tensor.Shape{2, 3}, 3, 0, 0, 1, 3, 3), op.Normalish(2, 2, 3, 3)),
				to("scalar", 0, []int{3, 2}, tensor.Scalar[int64](1), op.Normalish(3, 2)),
				to("nothing", 0, []int{2, 2}, tensor.Vector[int64](), tensor.New(tensor.Float32, 0, 2)),
			}
		},
	})
}
