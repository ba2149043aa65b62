package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	register(op.Def{
		Type: "QLinearMatMul",
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 8, 8); err != nil {
				return err
			}
			for _, pair := range [][]int{{0, 2}, {3, 5}, {7}} {
				if err := sameType(n, quantized8, pair...); err != nil {
					return err
				}
			}
			if err := sameType(n, floats, 1, 4, 6); err != nil {
				return err
			}
			shape, err := productShape(shapeOf(n, 0), shapeOf(n, 3))
			if err != nil {
				return err
			}
			for _, i := range []int{1, 2} {
				if _, err := rowParams(shapeOf(n, i), shapeOf(n, 0), true); err != nil {
					return err
				}
				if _, err := rowParams(shapeOf(n, 3+i), shapeOf(n, 3), false); err != nil {
					return err
				}
			}
			for _, i := range []int{6, 7} {
				if err := scalarInput(n, i, "scale or zero point of the result"); err != nil {
					return err
				}
			}
			return set(n, 0, typeOf(n, 7), shape)
		},
		Eval: func(_ *graph.Node, in, out []*tensor.Tensor) error {
			a, err := dequantized(in[0], in[1], in[2], true)
			if err != nil {
				return err
			}
			b, err := dequantized(in[3], in[4], in[5], false)
			if err != nil {
				return err
			}
			y, err := multiplied64(in[0].Shape, in[3].Shape, a, b)
			scale, zero := in[6].Float64s()[0], in[7].Float64s()[0]
			for i := range y {
				y[i] = saturate(rounded(tensor.Float32, y[i]/scale), zero, out[0].DType)
			}
			out[0].SetFloat64s(y)
			return err
		},
		Samples: func() []op.Sample {
			return []op.Sample{{Name: "values", In: []*tensor.Tensor{
				tensor.Of([]int{2, 2}, uint8(130), 128, 126, 129), tensor.Scalar[float32](0.5), tensor.Scalar[uint8](128),
				tensor.Of([]int{2, 2}, int8(1), 2, -3, 4), tensor.Vector[float32](0.25, 0.5), tensor.Vector[int8](0, 0),
				tensor.Scalar[float32](0.125), tensor.Scalar[uint8](100),
			}, Want: one(tensor.Of([]int{2, 2}, uint8(102), 108, 95, 100))}}
		},
	}, 10, 21)
}

// dequantized are the numbers that the elements stand for.
func dequantized(t, scale, zero *tensor.Tensor, rows bool) ([]float64, error) {
	x, err := shifted(t, zero, rows)
	if err != nil {
		return nil, err
	}
	strides, err := rowParams(scale.Shape, t.Shape, rows)
	if err != nil {
		return nil, err
	}
	s := scale.Float64s()
	walk(t.Shape, func(i int, at []int) { x[i] *= s[at[0]] }, strides)
	return x, nil
}
