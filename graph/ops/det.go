package ops

import (
	"fmt"
	"math"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Cofactors is the gradient of the determinant: the matrix of cofactors, which is det(X) inv(X)ᵀ where that exists, and
// exists everywhere.
func init() {
	register(op.Def{
		Type: "Det",
		Infer: func(n *graph.Node) error {
			if err := inferMatrices(n); err != nil {
				return err
			}
			return set(n, 0, typeOf(n, 0), shapeOf(n, 0)[:len(shapeOf(n, 0))-2])
		},
		Grad: func(b *op.Backward) {
			c := b.Internal("Cofactors", nil, b.In(0))
			if b.Err != nil {
				return
			}
			dy := b.Reshape(b.Grad(0), append(b.Grad(0).Type.Shape.Clone(), 1, 1))
			b.Set(0, b.Op("Mul", dy, c))
		},
		Eval: func(_ *graph.Node, in, out []*tensor.Tensor) error {
			y := make([]float64, 0, out[0].Elems())
			eachMatrix(in[0], func(a []float64, n int) { y = append(y, determinant(a, n)) })
			out[0].SetFloat64s(y)
			return nil
		},
		Samples: func() []op.Sample {
			return []op.Sample{
				{Name: "values", In: one(floats32([]int{2, 2, 2}, 1, 2, 3, 4, 0, 2, 3, 0)), Want: one(floats32([]int{2}, -2, -6))},
				{Name: "pivots", In: one(floats32([]int{3, 3}, 0, 2, 1, 1, 0, 0, 0, 0, 3)), Want: one(tensor.Scalar[float32](-6))},
				{Name: "singular", In: one(floats32([]int{3, 3}, 1, 2, 3, 2, 4, 6, 1, 0, 1)), Want: one(tensor.Scalar[float32](0))},
				{Name: "batch", In: one(op.Normalish(1, 2, 2, 4, 4))},
				{Name: "of nothing", In: one(tensor.New(tensor.Float32, 0, 0)), Want: one(tensor.Scalar[float32](1))},
			}
		},
	}, 11, 22)
	op.Register(op.Def{
		Domain: op.Internal, Type: "Cofactors", Since: 1,
		Infer: func(n *graph.Node) error {
			if err := inferMatrices(n); err != nil {
				return err
			}
			return set(n, 0, typeOf(n, 0), shapeOf(n, 0))
		},
		Eval: func(_ *graph.Node, in, out []*tensor.Tensor) error {
			y := make([]float64, 0, out[0].Elems())
			eachMatrix(in[0], func(a []float64, n int) { y = append(y, cofactors(a, n)...) })
			out[0].SetFloat64s(y)
			return nil
		},
		Samples: func() []op.Sample {
			return []op.Sample{{Name: "values", In: one(floats32([]int{2, 2}, 1, 2, 3, 4)), Want: one(floats32([]int{2, 2}, 4, -3, -2, 1))}}
		},
	})
}

func inferMatrices(n *graph.Node) error {
	if err := inputs(n, 1, 1); err != nil {
		return err
	}
	if err := allow(n, 0, floats); err != nil {
		return err
	}
	if s := shapeOf(n, 0); len(s) < 2 || s[len(s)-1] != s[len(s)-2] {
		return fmt.Errorf("shape %v does not end in square matrices", s)
	}
	return nil
}

// eachMatrix calls do for every n x n matrix that t holds.
func eachMatrix(t *tensor.Tensor, do func(a []float64, n int)) {
	n, x := t.Shape[len(t.Shape)-1], t.Float64s()
	for i := range t.Shape[:len(t.Shape)-2].Elems() {
		do(x[i*n*n:][:n*n], n)
	}
}

// determinant is found by elimination with row pivots.
func determinant(a []float64, n int) float64 {
	a = slices.Clone(a)
	det := 1.0
	for k := range n {
		pivot := k
		for i := k + 1; i < n; i++ {
			if math.Abs(a[i*n+k]) > math.Abs(a[pivot*n+k]) {
				pivot = i
			}
		}
		if pivot != k {
			det = -det
			for j := range n {
				a[k*n+j], a[pivot*n+j] = a[pivot*n+j], a[k*n+j]
			}
		}
		if a[k*n+k] == 0 {
			return 0
		}
		det *= a[k*n+k]
		for i := k + 1; i < n; i++ {
			f := a[i*n+k] / a[k*n+k]
			for j := k; j < n; j++ {
				a[i*n+j] -= f * a[k*n+j]
			}
		}
	}
	return det
}

// cofactors are the determinants of what is left without a row and a column, with alternating signs.
func cofactors(a []float64, n int) []float64 {
	c, minor := make([]float64, n*n), make([]float64, 0, n*n)
	for row := range n {
		for col := range n {
			minor = minor[:0]
			for i := range n {
				for j := range n {
					if i != row && j != col {
						minor = append(minor, a[i*n+j])
					}
				}
			}
			c[row*n+col] = determinant(minor, n-1)
			if (row+col)%2 == 1 {
				c[row*n+col] = -c[row*n+col]
			}
		}
	}
	return c
}
