package cpu

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	Register(Kernel{
		Name: "lp_normalization", Op: onnx("LpNormalization"), InPlace: []int{0},
		When: func(n *graph.Node) bool {
			axis, err := n.In[0].Type.Shape.Axis(n.Attrs.Int("axis", -1))
			return err == nil && allFloat32(n) && nonEmpty(n) && n.In[0].Type.Shape[axis+1:].Elems() == 1
		},
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			x, y := in[0].F32(), out[0].F32()
			axis, err := in[0].Shape.Axis(n.Attrs.Int("axis", -1))
			if err != nil {
				return nil, err
			}
			c, norm := in[0].Shape[axis], magnitudeReducer.row
			if n.Attrs.Int("p", 2) == 2 {
				norm = func(row []float32) float64 { return math.Sqrt(linalg.SumSquares(row)) }
			}
			body := func(_, lo, hi int) {
				for i := lo * c; i < hi*c; i += c {
					v := float32(norm(x[i : i+c]))
					if v == 0 {
						v = 1 // a vector of norm 0 stays 0
					}
					linalg.DivScalar(y[i:i+c], x[i:i+c], v)
				}
			}
			return func() error {
				s.Pool.For(len(x)/c, max(1, chunk/c), body)
				return nil
			}, nil
		},
	})
}
