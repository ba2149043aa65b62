package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// ConvGradInput is the gradient of a convolution's input, of the attribute shape, from dy and the weights.
func init() {
	op.Register(op.Def{
		Domain: op.Internal, Type: "ConvGradInput", Since: 1,
		Infer: func(n *graph.Node) error {
			if err := inferConvGrad(n); err != nil {
				return err
			}
			return set(n, 0, typeOf(n, 0), n.Attrs.Ints("shape"))
		},
		Grad: func(b *op.Backward) {
			g, err := ConvGeometry(b.Node)
			if fails(b, err) {
				return
			}
			if b.Want(0) {
				b.Set(0, convolved(b, &g, b.Grad(0), b.In(1)))
			}
			if b.Want(1) {
				b.Set(1, convGradWeight(b, &g, b.In(0), b.Grad(0)))
			}
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			g, err := ConvGeometry(n)
			if err != nil {
				return err
			}
			dx := make([]float64, out[0].Elems())
			g.gradInput(dx, in[0].Float64s(), in[1].Float64s())
			out[0].SetFloat64s(dx)
			return nil
		},
		Samples: func() []op.Sample { return convGradSamples("ConvGradInput") },
	})
}

func inferConvGrad(n *graph.Node) error {
	if err := inputs(n, 2, 2); err != nil {
		return err
	}
	if err := sameType(n, floats, 0, 1); err != nil {
		return err
	}
	_, err := ConvGeometry(n)
	return err
}
