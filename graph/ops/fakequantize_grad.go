package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// FakeQuantizeGrad is the straight-through gradient of FakeQuantize's input, from x, scale, zero point and dy.
func init() {
	op.Register(op.Def{
		Domain: op.Internal, Type: "FakeQuantizeGrad", Since: 1,
		Infer: func(n *graph.Node) error {
			if n.Input(3) == nil || !n.In[3].Type.Shape.Equal(shapeOf(n, 0)) {
				return fmt.Errorf("input 3, the gradient, must have the shape of x")
			}
			return inferFakeQuantize(n, 1)
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			g, err := gridOf(n)
			if err != nil {
				return err
			}
			dt, err := quantizedType(n)
			if err != nil {
				return err
			}
			low, high := integerRange(dt)
			x, dx, s := in[0].Float64s(), in[3].Float64s(), in[1].Float64s()
			z := zeroPoints(in[2], len(s))
			for i, k := range g.index() {
				if v := x[i]/s[k] + z[k]; v < low || v > high {
					dx[i] = 0
				}
			}
			out[0].SetFloat64s(dx)
			return nil
		},
		Samples: func() []op.Sample {
			s := fakeQuantizeSample()
			s.In = append(s.In, floats32([]int{6}, 1, 2, 3, 4, 5, 6))
			s.Want = one(floats32([]int{6}, 1, 2, 3, 0, 5, 0))
			return []op.Sample{s}
		},
	})
}
