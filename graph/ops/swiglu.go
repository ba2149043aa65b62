package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// SwiGLU is the gate swish(a) times b, where swish(a) is a sigmoid(alpha a) (Shazeer 2020).
func init() {
	op.Register(op.Def{
		Type: "SwiGLU", Since: 28,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 2, 2); err != nil {
				return err
			}
			if err := sameType(n, floats, 0, 1); err != nil {
				return err
			}
			if !shapeOf(n, 0).Equal(shapeOf(n, 1)) {
				return fmt.Errorf("a gate of shape %v and values of shape %v", shapeOf(n, 0), shapeOf(n, 1))
			}
			return set(n, 0, typeOf(n, 0), shapeOf(n, 0))
		},
		Grad: func(b *op.Backward) {
			dy, gate, value := b.Grad(0), b.In(0), b.In(1)
			alpha := b.Node.Attrs.Float("alpha", 1)
			s := b.Op("Sigmoid", times(b, gate, alpha))
			swish := b.Op("Mul", gate, s)
			if b.Want(0) {
				// The derivative of swish is s + alpha swish (1 - s).
				slope := b.Op("Add", s, times(b, b.Op("Sub", swish, b.Op("Mul", swish, s)), alpha))
				b.Set(0, b.Op("Mul", b.Op("Mul", dy, value), slope))
			}
			if b.Want(1) {
				b.Set(1, b.Op("Mul", dy, swish))
			}
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			f, _ := swish(n.Attrs.Float("alpha", 1))
			y := in[1].Float64s()
			for i, a := range in[0].Float64s() {
				y[i] *= f(a)
			}
			out[0].SetFloat64s(y)
			return nil
		},
		Samples: func() []op.Sample {
			return []op.Sample{
				example("values", tensor.Vector[float32](0, 6), tensor.Vector[float32](0, 3), tensor.Vector[float32](5, 2.09957413)),
				{Name: "matrix", In: []*tensor.Tensor{op.Normalish(1, 3, 4), op.Normalish(2, 3, 4)}},
				{Name: "alpha", Attrs: graph.MakeAttrs("alpha", 1.702), In: []*tensor.Tensor{op.Normalish(1, 5), op.Normalish(2, 5)}},
			}
		},
	})
}
