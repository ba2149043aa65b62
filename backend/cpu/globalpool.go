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
		Name: name, Op: onnx(typ), Half: hasHalf,
		When: func(n *graph.Node) bool { return allFloat(n) && nonEmpty(n) },
		Scratch: func(n *graph.Node, threads int) int {
			return roomBytes(1, n.In[0].Type.Shape.Elems()/n.Out[0].Type.Shape.Elems(), threads)
		},
		Bind: func(_ *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			x, y := vectorOf(in[0]), vectorOf(out[0])
			plane := x.len() / y.len()
			room := roomsIn(s, 1, plane)
			body := func(worker, lo, hi int) {
				for i := lo; i < hi; i++ {
					y.set(i, f(x.read(room.of(worker, 0), i*plane, (i+1)*plane)))
				}
			}
			return func() error {
				s.Pool.For(y.len(), max(1, chunk/plane), body)
				return nil
			}, nil
		},
	})
}
