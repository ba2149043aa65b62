package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	register(op.Def{
		Type: "Where",
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 3, 3); err != nil {
				return err
			}
			if err := allow(n, 0, boolean); err != nil {
				return err
			}
			if err := sameType(n, anyType, 1, 2); err != nil {
				return err
			}
			return broadcastTypes(n, typeOf(n, 1))
		},
		NoGrad: []int{0},
		Grad: func(b *op.Backward) {
			cond, dy := b.In(0), b.Grad(0)
			if b.Want(1) {
				b.Set(1, b.Op("Where", cond, dy, b.Scalar(b.In(1), 0)))
			}
			if b.Want(2) {
				b.Set(2, b.Op("Where", cond, b.Scalar(b.In(2), 0), dy))
			}
		},
		Eval: func(_ *graph.Node, in, out []*tensor.Tensor) error {
			cond, shape := in[0].Data, out[0].Shape
			walk(shape, func(i int, at []int) {
				if cond[at[0]] != 0 {
					copyElem(out[0], i, in[1], at[1])
				} else {
					copyElem(out[0], i, in[2], at[2])
				}
			}, in[0].Shape.BroadcastStrides(shape), in[1].Shape.BroadcastStrides(shape), in[2].Shape.BroadcastStrides(shape))
			return nil
		},
		Samples: func() []op.Sample {
			cond := tensor.Of(tensor.Shape{2, 2}, true, false, true, true)
			return []op.Sample{
				example("floats", floats32([]int{2, 2}, 1, 8, 3, 4), cond, floats32([]int{2, 2}, 1, 2, 3, 4),
					floats32([]int{2, 2}, 9, 8, 7, 6)),
				example("int64", tensor.Of[int64](tensor.Shape{2, 2}, 1<<53+1, 0, 1<<53+1, 1<<53+1), cond, ints(1<<53+1),
					tensor.Scalar[int64](0)),
				example("bool", tensor.Vector(false, true), tensor.Scalar(true), tensor.Vector(false, true),
					tensor.Vector(true, true)),
				{Name: "mask", In: []*tensor.Tensor{cond, op.Normalish(1, 3, 2, 2), tensor.Scalar[float32](-1e4)}},
				{Name: "broadcast", In: []*tensor.Tensor{tensor.Vector(true, false), op.Normalish(2, 3, 1),
					op.Normalish(3, 1, 1, 2)}},
			}
		},
	}, 9, 16)
}
