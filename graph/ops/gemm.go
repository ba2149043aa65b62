package ops

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	for _, since := range []int{6, 7, 9, 11, 13} {
		op.Register(op.Def{
			Type: "Gemm", Since: since,
			Infer: inferGemm,
			Grad: func(b *op.Backward) {
				f, err := fusedFactors(b.Node)
				if fails(b, err) {
					return
				}
				da, db := f.gradient(b, b.Want(0), b.Want(1), b.Grad(0), b.In(0), b.In(1), b.Node.Attrs.Float("alpha", 1))
				b.Set(0, da)
				b.Set(1, db)
				if b.Want(2) {
					b.Set(2, scaled(b, b.SumTo(b.Grad(0), b.In(2).Type.Shape), b.Node.Attrs.Float("beta", 1)))
				}
			},
			Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
				f, err := fusedFactors(n)
				if err != nil {
					return err
				}
				alpha, beta := n.Attrs.Float("alpha", 1), n.Attrs.Float("beta", 1)
				if in[0].DType.IsInt() {
					out[0].SetInt64s(gemm(n, &f, int64(alpha), int64(beta), (*tensor.Tensor).Int64s, in))
				} else {
					out[0].SetFloat64s(gemm(n, &f, alpha, beta, (*tensor.Tensor).Float64s, in))
				}
				return nil
			},
			Samples: func() []op.Sample { return gemmSamples(since) },
		})
	}
}

func inferGemm(n *graph.Node) error {
	need := 3
	if n.Op.Since >= 11 {
		need = 2
	}
	if err := inputs(n, need, 3); err != nil {
		return err
	}
	if err := sameType(n, multiplied(n.Op.Since), 0, 1, 2); err != nil {
		return err
	}
	for i := range 2 {
		if err := rank(n, i, 2, 2); err != nil {
			return err
		}
	}
	for _, name := range []string{"alpha", "beta"} {
		if x := n.Attrs.Float(name, 1); typeOf(n, 0).IsInt() && x != math.Trunc(x) {
			return fmt.Errorf("attribute %s is %v and the matrices are integers", name, x)
		}
	}
	f, err := fusedFactors(n)
	if err != nil {
		return err
	}
	if c := n.Input(2); c != nil {
		// Before opset 7 an attribute says so.
		if n.Op.Since < 7 && !n.Attrs.Bool("broadcast", false) && !c.Type.Shape.Equal(f.shape()) {
			return fmt.Errorf("input %q of shape %v is not the product's %v and attribute broadcast is not set", c.Name, c.Type.Shape, f.shape())
		}
		whole, err := tensor.Broadcast(c.Type.Shape, f.shape())
		if err != nil || !whole.Equal(f.shape()) {
			return fmt.Errorf("input %q of shape %v does not broadcast to the product's shape %v", c.Name, c.Type.Shape, f.shape())
		}
	}
	return set(n, 0, typeOf(n, 0), f.shape())
}

func gemm[T int64 | float64](n *graph.Node, f *factors, alpha, beta T, read func(*tensor.Tensor) []T, in []*tensor.Tensor) []T {
	y := make([]T, f.m*f.n)
	multiply(f, y, read(in[0]), read(in[1]))
	for i := range y {
		y[i] *= alpha
	}
	// beta = 0 means that C is not read, as in BLAS.
	if n.Input(2) != nil && beta != 0 {
		c := read(in[2])
		walk(f.shape(), func(i int, at []int) { y[i] += beta * c[at[0]] }, in[2].Shape.BroadcastStrides(f.shape()))
	}
	return y
}

// scaled emits v times a constant.
func scaled(b *op.Backward, v *graph.Value, by float64) *graph.Value {
	if b.Err != nil || by == 1 {
		return v
	}
	return b.Op("Mul", v, b.Scalar(v, by))
}

func gemmSamples(since int) []op.Sample {
	of := func(name string, attrs graph.Attrs, shapes ...tensor.Shape) op.Sample {
		s := op.Sample{Name: name, Attrs: attrs}
		for i, shape := range shapes {
			s.In = append(s.In, op.Normalish(uint64(i+1), shape...))
		}
		return s
	}
	plain := op.Sample{Name: "values", Attrs: graph.MakeAttrs("alpha", 2.0, "beta", 0.5, "transB", 1),
		In: []*tensor.Tensor{count(2, 3), count(2, 3), floats32([]int{2}, 2, 4)}, Want: one(floats32([]int{2, 2}, 11, 30, 29, 102))}
	all := []op.Sample{
		plain,
		of("layer", graph.MakeAttrs("transB", 1), tensor.Shape{3, 4}, tensor.Shape{5, 4}, tensor.Shape{5}),
		of("transposed first", graph.MakeAttrs("transA", 1, "alpha", 0.5), tensor.Shape{4, 3}, tensor.Shape{4, 5}, tensor.Shape{1, 5}),
		of("both transposed", graph.MakeAttrs("transA", 1, "transB", 1, "beta", 3.0), tensor.Shape{4, 3}, tensor.Shape{5, 4}, tensor.Shape{3, 1}),
		of("full C", nil, tensor.Shape{3, 4}, tensor.Shape{4, 2}, tensor.Shape{3, 2}),
		of("scalar C", graph.MakeAttrs("beta", 0.25), tensor.Shape{3, 4}, tensor.Shape{4, 2}, tensor.Shape{}),
		of("no beta", graph.MakeAttrs("beta", 0.0), tensor.Shape{3, 4}, tensor.Shape{4, 2}, tensor.Shape{2}),
	}
	if since < 7 {
		for i := range all {
			all[i].Attrs = all[i].Attrs.With("broadcast", 1)
		}
	}
	if since >= 11 {
		all = append(all, of("no C", nil, tensor.Shape{3, 4}, tensor.Shape{4, 2}))
	}
	return all
}
