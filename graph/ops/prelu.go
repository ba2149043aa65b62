package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// PRelu is slope x for x < 0, and x from 0 on. Its derivative at 0 is the slope, as in PyTorch.
func init() {
	f := arithmetic{floats: prelu[float64], ints: prelu[int64], uints: func(x, _ uint64) uint64 { return x }}
	register(op.Def{
		Type: "PRelu",
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 2, 2); err != nil {
				return err
			}
			if err := sameType(n, numeric, 0, 1); err != nil {
				return err
			}
			x, slope := shapeOf(n, 0), SlopeShape(n)
			if whole, err := tensor.Broadcast(x, slope); err != nil || !whole.Equal(x) {
				return fmt.Errorf("the slope of shape %v does not broadcast to the input's %v", slope, x)
			}
			return set(n, 0, typeOf(n, 0), x)
		},
		Grad: func(b *op.Backward) {
			dy, x, zero := b.Grad(0), b.In(0), b.Scalar(b.In(0), 0)
			shape := SlopeShape(b.Node)
			slope := b.Reshape(b.In(1), shape)
			positive := b.Op("Greater", x, zero)
			if b.Want(0) {
				b.Set(0, b.Op("Where", positive, dy, b.Op("Mul", dy, slope)))
			}
			if b.Want(1) {
				part := b.SumTo(b.Op("Where", positive, zero, b.Op("Mul", dy, x)), shape)
				b.Set(1, b.Reshape(part, b.In(1).Type.Shape))
			}
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			f.fold(out[0], in[0], in[1].Reshape(SlopeShape(n)...))
			return nil
		},
		Samples: func() []op.Sample {
			pair := func(name string, x, slope []int) op.Sample {
				return op.Sample{Name: name, In: []*tensor.Tensor{op.Normalish(1, x...), op.Uniform(2, 0.1, 0.4, slope...)}}
			}
			return []op.Sample{
				kink(example("values", floats32([]int{2, 2}, -0.5, 0, 2, -4), floats32([]int{2, 2}, -1, 0, 2, -2),
					floats32([]int{2}, 0.5, 2))),
				pair("number", []int{3, 5}, []int{1}),
				pair("channels", []int{2, 3}, []int{3}),
				pair("square", []int{2, 3, 3}, []int{3}),
				pair("planes", []int{2, 3, 2, 2}, []int{3, 1, 1}),
				pair("full", []int{2, 3}, []int{2, 3}),
				example("int64", ints(-6, 5), ints(-2, 5), ints(3)),
				example("uint64", tensor.Vector[uint64](1<<63), tensor.Vector[uint64](1<<63), tensor.Vector[uint64](3)),
			}
		},
	}, 6, 7, 9, 16)
}

// SlopeShape is the shape of the slope as later versions broadcast it. Version 6 aligns a list with axis 1 instead of the
// last one.
func SlopeShape(n *graph.Node) tensor.Shape {
	x, slope := shapeOf(n, 0), shapeOf(n, 1)
	if n.Op.Since >= 7 || len(slope) != 1 || slope[0] == 1 || len(x) < 2 {
		return slope
	}
	shape := make(tensor.Shape, len(x)-1)
	for d := range shape {
		shape[d] = 1
	}
	shape[0] = slope[0]
	return shape
}

func prelu[T float64 | int64](x, slope T) T {
	if x < 0 {
		return x * slope
	}
	return x
}
