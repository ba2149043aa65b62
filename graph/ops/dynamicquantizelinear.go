package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	op.Register(op.Def{
		Type: "DynamicQuantizeLinear", Since: 11,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 1, 1); err != nil {
				return err
			}
			if err := allow(n, 0, floats); err != nil {
				return err
			}
			if err := set(n, 0, tensor.Uint8, shapeOf(n, 0)); err != nil {
				return err
			}
			if err := set(n, 1, typeOf(n, 0), tensor.Shape{}); err != nil {
				return err
			}
			return set(n, 2, tensor.Uint8, tensor.Shape{})
		},
		Eval: func(_ *graph.Node, in, out []*tensor.Tensor) error {
			x := in[0].Float64s()
			low, high := 0.0, 0.0
			for _, v := range x {
				low, high = min(low, v), max(high, v)
			}
			// Each step is rounded as the specification's float32 arithmetic does.
			dt := in[0].DType
			scale := rounded(dt, rounded(dt, high-low)/255)
			if scale == 0 {
				scale = 1
			}
			zero := max(0, min(255, math.RoundToEven(rounded(dt, -low/scale))))
			for i, v := range x {
				x[i] = saturate(rounded(dt, v/scale), zero, tensor.Uint8)
			}
			for i, v := range [][]float64{x, {scale}, {zero}} {
				store(out, i, v)
			}
			return nil
		},
		Samples: func() []op.Sample {
			return []op.Sample{
				{Name: "values", In: one(floats32([]int{6}, 0, 2, -3, -2.5, 1.34, 0.5)), Outs: 3,
					Want: []*tensor.Tensor{tensor.Vector[uint8](153, 255, 0, 26, 221, 179), tensor.Scalar[float32](5.0 / 255), tensor.Scalar[uint8](153)}},
				{Name: "zeros", In: one(floats32([]int{2}, 0, 0)), Outs: 3,
					Want: []*tensor.Tensor{tensor.Vector[uint8](0, 0), tensor.Scalar[float32](1), tensor.Scalar[uint8](0)}},
			}
		},
	})
}
