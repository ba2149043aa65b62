package ops

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// A vector of norm 0 stays 0, and has the gradient 0.
func init() {
	register(op.Def{
		Type: "LpNormalization",
		Infer: func(n *graph.Node) error {
			if p := n.Attrs.Int("p", 2); p != 1 && p != 2 {
				return fmt.Errorf("attribute p is %d; 1 and 2 are known", p)
			}
			if err := sameAsFirst(1, 1, floats)(n); err != nil {
				return err
			}
			_, err := axisOf(n, -1)
			return err
		},
		Grad: gradLpNorm,
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			axis, err := axisOf(n, -1)
			if err != nil {
				return err
			}
			x, p := in[0].Float64s(), float64(n.Attrs.Int("p", 2))
			vectorsOf(in[0].Shape, axis).each(func(at []int) {
				norm := 0.0
				for _, i := range at {
					norm += math.Pow(math.Abs(x[i]), p)
				}
				norm = math.Pow(norm, 1/p)
				for _, i := range at {
					if norm != 0 {
						x[i] /= norm
					}
				}
			})
			out[0].SetFloat64s(x)
			return nil
		},
		Samples: func() []op.Sample {
			of := func(name string, p, axis int, shape ...int) op.Sample {
				return op.Sample{Name: name, Attrs: graph.MakeAttrs("p", p, "axis", axis), In: one(op.Normalish(1, shape...))}
			}
			return []op.Sample{
				{Name: "by hand", In: one(floats32([]int{2, 2}, 3, 4, 0, -2)), Want: one(floats32([]int{2, 2}, 0.6, 0.8, 0, -1))},
				{Name: "by hand, p 1", Attrs: graph.MakeAttrs("p", 1),
					In: one(floats32([]int{1, 2}, 1, -3)), Want: one(floats32([]int{1, 2}, 0.25, -0.75))},
				{Name: "norm of 0", In: one(tensor.New(tensor.Float32, 2, 2)), Want: one(tensor.New(tensor.Float32, 2, 2)), NoGrad: true},
				of("middle axis", 2, 1, 2, 3, 4),
				of("p 1", 1, -1, 2, 3),
				of("first axis", 1, 0, 4, 2),
			}
		},
	}, 1, 22)
}

// gradLpNorm is (dy - d*sum(dy*y))/norm, with d the derivative of the norm: y, or sign(x) where p is 1.
func gradLpNorm(b *op.Backward) {
	axis, err := axisOf(b.Node, -1)
	if fails(b, err) {
		return
	}
	x, y, dy := b.In(0), b.Out(0), b.Grad(0)
	typ, d := "ReduceL2", y
	if b.Node.Attrs.Int("p", 2) == 1 {
		typ, d = "ReduceL1", b.Op("Sign", x)
	}
	norm := b.OpAttrs(typ, graph.MakeAttrs("axes", []int{axis}), x)
	if b.Err != nil {
		return
	}
	along := b.SumTo(b.Op("Mul", dy, y), norm.Type.Shape)
	inverse := b.Op("Div", b.Op("Sign", norm), nonzero(b, norm))
	b.Set(0, b.Op("Mul", b.Op("Sub", dy, b.Op("Mul", d, along)), inverse))
}
