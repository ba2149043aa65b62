package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	tol := Tol{Abs: 1e-5, Rel: 2e-5}
	Register(Kernel{
		Name: "instance_norm", Op: onnx("InstanceNormalization"), InPlace: []int{0}, Tol: tol,
		When: func(n *graph.Node) bool { return allFloat32(n) && len(n.In[0].Type.Shape) >= 3 && nonEmpty(n) },
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			return bindGroupNorm(n, in, out[0], in[0].Shape[0]*in[0].Shape[1], s), nil
		},
	})
	Register(Kernel{
		Name: "group_norm", Op: onnx("GroupNormalization"), InPlace: []int{0}, Tol: tol,
		When: func(n *graph.Node) bool { return allFloat32(n) && nonEmpty(n) },
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			return bindGroupNorm(n, in, out[0], in[0].Shape[0]*n.Attrs.Int("num_groups", 1), s), nil
		},
	})
}

// bindGroupNorm normalises x [N, C, …] cut into so many groups of neighbours, and then each image in as many parts as there
// are scales.
func bindGroupNorm(n *graph.Node, in []*tensor.Tensor, out *tensor.Tensor, groups int, s Scratch) func() error {
	x, scale, bias, y := in[0].F32(), in[1].F32(), in[2].F32(), out.F32()
	size := len(x) / groups
	part := len(x) / (in[0].Shape[0] * len(scale))
	eps := n.Attrs.Float("epsilon", 1e-5)
	body := func(_, lo, hi int) {
		for i := lo; i < hi; i++ {
			mean, invstd := moments(x[i*size:][:size], eps)
			for at := i * size; at < (i+1)*size; at += part {
				k := at / part % len(scale)
				row := y[at:][:part]
				linalg.ShiftScale(row, x[at:][:part], -mean, invstd*scale[k])
				addVS(row, row, bias[k])
			}
		}
	}
	return func() error {
		s.Pool.For(groups, max(1, chunk/size), body)
		return nil
	}
}
