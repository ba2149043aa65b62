package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// BiasGelu of com.microsoft is Gelu(x + bias), with a bias along the last axis.
func init() { biasedGelu("BiasGelu", "none", gelu, 2) }

// biasedGelu is a GELU after the addition of a bias that is optional where need is 1.
func biasedGelu(typ, approximate string, f func(x float64) float64, need int) {
	op.Register(op.Def{
		Domain: microsoft, Type: typ, Since: 1,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, need, 2); err != nil {
				return err
			}
			if err := sameType(n, floats, 0, 1); err != nil {
				return err
			}
			x := shapeOf(n, 0)
			if v := n.Input(1); v != nil && (len(x) == 0 || !v.Type.Shape.Equal(x[len(x)-1:])) {
				return fmt.Errorf("the bias of shape %v does not fit the last axis of %v", v.Type.Shape, x)
			}
			return set(n, 0, typeOf(n, 0), x)
		},
		Grad: func(b *op.Backward) {
			x := b.In(0)
			if bias := b.In(1); bias != nil {
				x = b.Op("Add", x, bias)
			}
			dx := b.Internal("GeluGrad", graph.MakeAttrs("approximate", approximate), b.Grad(0), x)
			b.Set(0, dx)
			if b.Want(1) {
				b.Set(1, dx)
			}
		},
		Eval: func(_ *graph.Node, in, out []*tensor.Tensor) error {
			if bound(in, 1) == nil {
				out[0].SetFloat64s(apply(in[0].Float64s(), f))
				return nil
			}
			mapPairs(out[0], in[0], in[1], func(x, bias float64) float64 { return f(x + bias) })
			return nil
		},
		Samples: func() []op.Sample {
			x, bias := tensor.Vector[float32](-3, 0, 2), tensor.Vector[float32](2, 0, -1)
			want := tensor.Vector(float32(f(-1)), 0, float32(f(1)))
			all := []op.Sample{
				example("values", want, x, bias),
				{Name: "matrix", In: []*tensor.Tensor{op.Normalish(1, 2, 3, 4), op.Normalish(2, 4)}},
			}
			if need < 2 {
				all = append(all, op.Sample{Name: "no bias", In: one(op.Normalish(3, 3, 4))})
			}
			return all
		},
	})
}
