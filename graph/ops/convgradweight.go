package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// ConvGradWeight is the gradient of a convolution's weights, of the attribute shape, from dy and the input.
func init() {
	op.Register(op.Def{
		Domain: op.Internal, Type: "ConvGradWeight", Since: 1,
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
				b.Set(0, convolved(b, &g, b.In(1), b.Grad(0)))
			}
			if b.Want(1) {
				b.Set(1, convGradInput(b, &g, b.In(0), b.Grad(0)))
			}
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			g, err := ConvGeometry(n)
			if err != nil {
				return err
			}
			dw := make([]float64, out[0].Elems())
			g.gradWeight(dw, in[0].Float64s(), in[1].Float64s())
			out[0].SetFloat64s(dw)
			return nil
		},
		Samples: func() []op.Sample { return convGradSamples("ConvGradWeight") },
	})
}
