package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	registerGlobalPool("global_average_pool", "GlobalAveragePool", func(x []float32) float32 { return sum(x) / float32(len(x)) })
	registerGlobalPool("global_max_pool", "GlobalMaxPool", maxOf)
}

func registerGlobalPool(name, typ string, f func(plane []float32) float32) {
	Register(Kernel{
		Name: name, Op: onnx(typ),
		When: func(n *graph.Node) bool { return allFloat32(n) && nonEmpty(n) },
		Bind: func(_ *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			x, y := in[0].F32(), out[0].F32()
			plane := len(x) / len(y)
			body := func(_, lo, hi int) {
				for i := lo; i < hi; i++ {
					y[i] = f(x[i*plane:][:plane])
				}
			}
			return func() error {
				s.Pool.For(len(y), max(1, chunk/plane), body)
				return nil
			}, nil
		},
	})
}
