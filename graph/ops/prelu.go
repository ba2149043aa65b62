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
			x, slope := shapeOf(n, 0), shapeOf(n, 1)
			if whole, err := tensor.Broadcast(x, slope); err != nil || !whole.Equal(x) {
				return fmt.Errorf("the slope of shape %v does not broadcast to the input's %v", slope, x)
			}
			if n.Op.Since < 7 && len(slope) == 1 && slope[0] != 1 && len(x) != 2 {
				// Version 6 aligns the slope with axis 1, later ones with the last axis.
				return fmt.Errorf("the slope of shape %v is one per channel of the input's %v; convert the model to opset 7 or newer",
					slope, x)
			}
			return set(n, 0, typeOf(n, 0), x)
		},
		Grad: func(b *op.Backward) {
			dy, x, slope, zero := b.Grad(0), b.In(0), b.In(1), b.Scalar(b.In(0), 0)
			positive := b.Op("Greater", x, zero)
			if b.Want(0) {
				b.Set(0, b.Op("Where", positive, dy, b.Op("Mul", dy, slope)))
			}
			if b.Want(1) {
				b.Set(1, b.Op("Where", positive, zero, b.Op("Mul", dy, x)))
			}
		},
		Eval: func(_ *graph.Node, in, out []*tensor.Tensor) error {
			f.fold(out[0], in[0], in[1])
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
				pair("planes", []int{2, 3, 2, 2}, []int{3, 1, 1}),
				pair("full", []int{2, 3}, []int{2, 3}),
				example("int64", ints(-6, 5), ints(-2, 5), ints(3)),
				example("uint64", tensor.Vector[uint64](1<<63), tensor.Vector[uint64](1<<63), tensor.Vector[uint64](3)),
			}
		},
	}, 6, 7, 9, 16)
}

func prelu[T float64 | int64](x, slope T) T {
	if x < 0 {
		return x * slope
	}
	return x
}
