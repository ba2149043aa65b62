package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// FusedMatMul is alpha * op(A) @ op(B) + bias for operands of rank 2 and more, where op swaps the last two axes if asked
// to. bias, which may be absent, has a number for every column.
func init() {
	op.Register(op.Def{
		Domain: op.Internal, Type: "FusedMatMul", Since: 1,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 2, 3); err != nil {
				return err
			}
			if err := sameType(n, floats, 0, 1); err != nil {
				return err
			}
			for i := range 2 {
				if err := rank(n, i, 2, -1); err != nil {
					return err
				}
			}
			f, err := fusedFactors(n)
			if err != nil {
				return err
			}
			y := f.shape()
			if bias := n.Input(2); bias != nil && (bias.Type.DType != typeOf(n, 0) || !bias.Type.Shape.Equal(y[len(y)-1:])) {
				return fmt.Errorf("bias %q, %v, does not fit %d columns of %v", bias.Name, bias.Type, y[len(y)-1], typeOf(n, 0))
			}
			return set(n, 0, typeOf(n, 0), y)
		},
		Grad: func(b *op.Backward) {
			f, err := fusedFactors(b.Node)
			if fails(b, err) {
				return
			}
			da, db := f.gradient(b, b.Want(0), b.Want(1), b.Grad(0), b.In(0), b.In(1), b.Node.Attrs.Float("alpha", 1))
			setFactor(b, 0, da, f.a)
			setFactor(b, 1, db, f.b)
			if b.Want(2) {
				b.Set(2, b.SumTo(b.Grad(0), b.In(2).Type.Shape))
			}
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			f, err := fusedFactors(n)
			if err != nil {
				return err
			}
			c := make([]float64, out[0].Elems())
			multiply(&f, c, in[0].Float64s(), in[1].Float64s())
			alpha := n.Attrs.Float("alpha", 1)
			for i := range c {
				c[i] *= alpha
			}
			if bias := optional(in, 2); bias != nil {
				for i, x := 0, bias.Float64s(); i < len(c); i++ {
					c[i] += x[i%len(x)]
				}
			}
			out[0].SetFloat64s(c)
			return nil
		},
		Samples: func() []op.Sample {
			of := func(name string, a, b tensor.Shape, transA, transB bool, alpha float64) op.Sample {
				return op.Sample{Name: name, Attrs: fusedAttrs(transA, transB, alpha),
					In: []*tensor.Tensor{op.Normalish(1, a...), op.Normalish(2, b...)}}
			}
			biased := func(s op.Sample, columns int) op.Sample {
				s.Name, s.In = s.Name+", bias", append(s.In, op.Normalish(3, columns))
				return s
			}
			return []op.Sample{
				biased(of("batch by transposed weight", tensor.Shape{2, 3, 4}, tensor.Shape{5, 4}, false, true, 1), 5),
				biased(of("heads", tensor.Shape{2, 2, 3, 4}, tensor.Shape{2, 2, 4, 3}, false, false, 0.5), 3),
				of("plain", tensor.Shape{3, 4}, tensor.Shape{4, 5}, false, false, 1),
				of("first transposed", tensor.Shape{4, 3}, tensor.Shape{4, 5}, true, false, 0.5),
				of("second transposed", tensor.Shape{3, 4}, tensor.Shape{5, 4}, false, true, 2),
				of("both transposed", tensor.Shape{4, 3}, tensor.Shape{5, 4}, true, true, 1),
				of("heads", tensor.Shape{2, 2, 3, 4}, tensor.Shape{2, 2, 3, 4}, false, true, 0.5),
				of("batch by transposed weight", tensor.Shape{2, 3, 4}, tensor.Shape{5, 4}, false, true, 1),
				of("transposed batch by weight", tensor.Shape{2, 4, 3}, tensor.Shape{4, 5}, true, false, 1),
				of("transposed batch by transposed weight", tensor.Shape{2, 4, 3}, tensor.Shape{1, 5, 4}, true, true, 1),
				of("batches broadcast", tensor.Shape{2, 1, 4, 3}, tensor.Shape{3, 5, 4}, true, true, 1),
			}
		},
	})
}

func fusedFactors(n *graph.Node) (factors, error) {
	return factorsOf(shapeOf(n, 0), shapeOf(n, 1), n.Attrs.Bool("transA", false), n.Attrs.Bool("transB", false))
}
