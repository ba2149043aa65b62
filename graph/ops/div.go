package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Division of integers truncates towards zero.
func init() {
	div := arithmetic{quotient[float64], quotient[int64], quotient[uint64]}
	register(op.Def{
		Type:  "Div",
		Infer: inferPair(numeric, tensor.Invalid),
		Grad: func(b *op.Backward) {
			q := b.Op("Div", b.Grad(0), b.In(1))
			b.Set(0, q)
			if b.Want(1) {
				b.Set(1, b.Op("Neg", b.SumTo(b.Op("Mul", q, b.Out(0)), b.In(1).Type.Shape)))
			}
		},
		Eval: func(_ *graph.Node, in, out []*tensor.Tensor) error {
			if err := divisible(in[1]); err != nil {
				return err
			}
			div.fold(out[0], in[0], in[1])
			return nil
		},
		Samples: pairSamples(0.5, 2,
			example("int64 truncates", ints(3, -3, -3, 3), ints(7, -7, 7, -7), ints(2, 2, -2, -2)),
			example("int8 wraps", tensor.Vector[int8](-128), tensor.Vector[int8](-128), tensor.Vector[int8](-1)),
			example("uint64", tensor.Vector[uint64](1<<62), tensor.Vector[uint64](1<<63), tensor.Vector[uint64](2))),
	}, 7, 13, 14)
}

func quotient[T float64 | int64 | uint64](x, y T) T { return x / y }
