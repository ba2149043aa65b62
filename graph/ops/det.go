package ops

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	register(op.Def{
		Type: "Det",
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 1, 1); err != nil {
				return err
			}
			if err := inferSquare(n, 0); err != nil {
				return err
			}
			shape := shapeOf(n, 0)
			return set(n, 0, typeOf(n, 0), shape[:len(shape)-2])
		},
		Grad: func(b *op.Backward) { b.Set(0, b.Internal("DetGrad", nil, b.Grad(0), b.In(0))) },
		Eval: func(_ *graph.Node, in, out []*tensor.Tensor) error {
			x, n := in[0].Float64s(), side(in[0])
			det := make([]float64, out[0].Elems())
			for k := range det {
				det[k] = determinant(x[k*n*n:(k+1)*n*n], n)
			}
			out[0].SetFloat64s(det)
			return nil
		},
		Samples: func() []op.Sample {
			return []op.Sample{
				{Name: "matrix", In: one(floats32([]int{2, 2}, 1, 2, 3, 4)), Want: one(tensor.Scalar[float32](-2))},
				{Name: "zero first", In: one(floats32([]int{3, 3}, 0, 2, 0, 3, 0, 0, 0, 0, 4)), Want: one(tensor.Scalar[float32](-24))},
				{Name: "singular", In: one(floats32([]int{2, 2}, 1, 2, 2, 4)), Want: one(tensor.Scalar[float32](0))},
				{Name: "batch", In: one(op.Normalish(1, 2, 3, 4, 4))},
				{Name: "nothing", In: one(tensor.New(tensor.Float32, 2, 0, 0)), Want: one(floats32([]int{2}, 1, 1))},
			}
		},
	}, 11, 22)

	// DetGrad is dy times the matrix of cofactors of x, which also singular matrices have.
	op.Register(op.Def{
		Domain: op.Internal, Type: "DetGrad", Since: 1,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 2, 2); err != nil {
				return err
			}
			if err := sameType(n, floats, 0, 1); err != nil {
				return err
			}
			if err := inferSquare(n, 1); err != nil {
				return err
			}
			dy, x := shapeOf(n, 0), shapeOf(n, 1)
			if !dy.Equal(x[:len(x)-2]) {
				return fmt.Errorf("a gradient of shape %v does not fit matrices of shape %v", dy, x)
			}
			return set(n, 0, typeOf(n, 1), x)
		},
		Eval: func(_ *graph.Node, in, out []*tensor.Tensor) error {
			dy, x, n := in[0].Float64s(), in[1].Float64s(), side(in[1])
			dx := make([]float64, len(x))
			for k, d := range dy {
				cofactors(dx[k*n*n:(k+1)*n*n], x[k*n*n:(k+1)*n*n], n, d)
			}
			out[0].SetFloat64s(dx)
			return nil
		},
		Samples: func() []op.Sample {
			return []op.Sample{
				{Name: "matrix", In: []*tensor.Tensor{tensor.Scalar[float32](2), floats32([]int{2, 2}, 1, 2, 3, 4)},
					Want: one(floats32([]int{2, 2}, 8, -6, -4, 2))},
				{Name: "batch", In: []*tensor.Tensor{op.Normalish(1, 3), op.Normalish(2, 3, 3, 3)}},
			}
		},
	})
}

func inferSquare(n *graph.Node, i int) error {
	if err := allow(n, i, floats); err != nil {
		return err
	}
	if err := rank(n, i, 2, -1); err != nil {
		return err
	}
	if s := shapeOf(n, i); s[len(s)-1] != s[len(s)-2] {
		return fmt.Errorf("input %d, %q, of shape %v is not square matrices", i, n.In[i].Name, s)
	}
	return nil
}

func side(t *tensor.Tensor) int { return t.Shape[len(t.Shape)-1] }

// determinant eliminates with partial pivoting.
func determinant(x []float64, n int) float64 {
	a := append([]float64{}, x...)
	det := 1.0
	for c := range n {
		pivot := c
		for r := c; r < n; r++ {
			if math.Abs(a[r*n+c]) > math.Abs(a[pivot*n+c]) {
				pivot = r
			}
		}
		if a[pivot*n+c] == 0 {
			return 0
		}
		if pivot != c {
			det = -det
			for k := range n {
				a[pivot*n+k], a[c*n+k] = a[c*n+k], a[pivot*n+k]
			}
		}
		det *= a[c*n+c]
		for r := c + 1; r < n; r++ {
			f := a[r*n+c] / a[c*n+c]
			for k := c; k < n; k++ {
				a[r*n+k] -= f * a[c*n+k]
			}
		}
	}
	return det
}

// cofactors writes d times the derivative of the determinant by each element: that of the matrix less its row and
// column, with the sign of a chessboard.
func cofactors(dx, x []float64, n int, d float64) {
	minor := make([]float64, 0, max(n-1, 0)*max(n-1, 0))
	for r := range n {
		for c := range n {
			minor = minor[:0]
			for i := range n {
				for j := range n {
					if i != r && j != c {
						minor = append(minor, x[i*n+j])
					}
				}
			}
			dx[r*n+c] = d * determinant(minor, n-1)
			if (r+c)%2 == 1 {
				dx[r*n+c] = -dx[r*n+c]
			}
		}
	}
}
