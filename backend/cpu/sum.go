package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	Register(Kernel{
		Name: "sum", Op: onnx("Sum"), InPlace: []int{0},
		When: func(n *graph.Node) bool {
			for _, v := range n.In {
				if !v.Type.Shape.Equal(n.Out[0].Type.Shape) {
					return false
				}
			}
			return allFloat32(n)
		},
		Bind: func(_ *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			y := out[0].F32()
			var x [][]float32
			for _, t := range in {
				x = append(x, t.F32())
			}
			body := func(_, lo, hi int) {
				if len(x) == 1 {
					copy(y[lo:hi], x[0][lo:hi])
					return
				}
				addVV(y[lo:hi], x[0][lo:hi], x[1][lo:hi])
				for _, x := range x[2:] {
					addVV(y[lo:hi], y[lo:hi], x[lo:hi])
				}
			}
			return func() error {
				s.Pool.For(len(y), chunk, body)
				return nil
			}, nil
		},
	})
}
