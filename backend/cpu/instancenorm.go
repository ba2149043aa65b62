package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	Register(Kernel{
		Name: "instance_norm", Op: onnx("InstanceNormalization"), InPlace: []int{0},
		Tol:  Tol{Abs: 1e-5, Rel: 2e-5},
		When: func(n *graph.Node) bool { return allFloat32(n) && len(n.In[0].Type.Shape) >= 3 && nonEmpty(n) },
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			x, scale, bias, y := in[0].F32(), in[1].F32(), in[2].F32(), out[0].F32()
			channels := in[0].Shape[1]
			area := in[0].Shape[2:].Elems()
			eps := n.Attrs.Float("epsilon", 1e-5)
			body := func(_, lo, hi int) {
				for i := lo; i < hi; i++ {
					row := y[i*area : i*area+area]
					standardise(row, x[i*area:i*area+area], eps)
					mulVS(row, row, scale[i%channels])
					addVS(row, row, bias[i%channels])
				}
			}
			return func() error {
				s.Pool.For(len(x)/area, max(1, chunk/area), body)
				return nil
			}, nil
		},
	})
}
