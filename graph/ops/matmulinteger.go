package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	op.Register(op.Def{
		Type: "MatMulInteger", Since: 10,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 2, 4); err != nil {
				return err
			}
			if err := sameType(n, quantized8, 0, 2); err != nil {
				return err
			}
			if err := sameType(n, quantized8, 1, 3); err != nil {
				return err
			}
			shape, err := productShape(shapeOf(n, 0), shapeOf(n, 1))
			if err != nil {
				return err
			}
			for i := range 2 {
				if z := n.Input(2 + i); z != nil {
					if _, err := rowParams(z.Type.Shape, shapeOf(n, i), i == 0); err != nil {
						return err
					}
				}
			}
			return set(n, 0, tensor.Int32, shape)
		},
		Eval: func(_ *graph.Node, in, out []*tensor.Tensor) error {
			a, err := shifted(in[0], at(in, 2), true)
			if err != nil {
				return err
			}
			b, err := shifted(in[1], at(in, 3), false)
			if err != nil {
				return err
			}
			y, err := multiplied64(in[0].Shape, in[1].Shape, a, b)
			out[0].SetFloat64s(y)
			return err
		},
		Samples: func() []op.Sample {
			a, b := tensor.Of([]int{2, 3}, uint8(11), 7, 3, 10, 6, 2), tensor.Of([]int{3, 2}, int8(1), -4, 2, 5, 3, 6)
			return []op.Sample{
				{Name: "values", In: []*tensor.Tensor{a, b}, Want: one(tensor.Of([]int{2, 2}, int32(34), 9, 28, 2))},
				{Name: "zero points", In: []*tensor.Tensor{a, b, tensor.Scalar[uint8](12), tensor.Vector[int8](1, 2)},
					Want: one(tensor.Of([]int{2, 2}, int32(-23), -45, -26, -46))},
				{Name: "zero points of rows", In: []*tensor.Tensor{a, b, tensor.Vector[uint8](10, 1)},
					Want: one(tensor.Of([]int{2, 2}, int32(-26), -61, 22, -5))},
			}
		},
	})
}

// productShape is the shape of a matrix product by numpy's rules.
func productShape(a, b tensor.Shape) (tensor.Shape, error) {
	f, err := factorsOf(a, b, false, false)
	if err != nil {
		return nil, err
	}
	shape := f.shape()
	if len(b) == 1 {
		shape = shape[:len(shape)-1]
	}
	if len(a) == 1 {
		shape = append(shape[:len(shape)-2:len(shape)-2], shape[len(shape)-1:]...)
		if len(b) == 1 {
			shape = tensor.Shape{}
		}
	}
	return shape, nil
}

// rowParams are the strides of a zero point or scale over a matrix: one number, one for each row (or column), or a
// tensor that broadcasts.
func rowParams(params, matrix tensor.Shape, rows bool) ([]int, error) {
	if params.Elems() == 1 {
		return make([]int, len(matrix)), nil
	}
	whole := params
	if len(params) == 1 && rows && len(matrix) > 1 {
		whole = tensor.Shape{params[0], 1}
	}
	shape, err := tensor.Broadcast(whole, matrix)
	if err != nil || !shape.Equal(matrix) {
		return nil, fmt.Errorf("a zero point or scale of shape %v for a matrix of shape %v", params, matrix)
	}
	return whole.BroadcastStrides(matrix), nil
}

// shifted are the elements less their zero points.
func shifted(t, zero *tensor.Tensor, rows bool) ([]float64, error) {
	x := t.Float64s()
	if zero == nil {
		return x, nil
	}
	strides, err := rowParams(zero.Shape, t.Shape, rows)
	if err != nil {
		return nil, err
	}
	z := zero.Float64s()
	walk(t.Shape, func(i int, at []int) { x[i] -= z[at[0]] }, strides)
	return x, nil
}

// multiplied64 is the matrix product; sums of products of 8-bit integers are exact in float64.
func multiplied64(aShape, bShape tensor.Shape, a, b []float64) ([]float64, error) {
	f, err := factorsOf(aShape, bShape, false, false)
	if err != nil {
		return nil, err
	}
	y := make([]float64, f.shape().Elems())
	multiply(&f, y, a, b)
	return y, nil
}
