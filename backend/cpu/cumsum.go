package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	Register(Kernel{
		Name: "cum_sum", Op: onnx("CumSum"), InPlace: []int{0},
		When: func(n *graph.Node) bool {
			return n.In[0].Type.DType == tensor.Float32 && nonEmpty(n) && len(n.In[0].Type.Shape) > 0 && n.ConstInput(1) != nil
		},
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			axis, err := in[0].Shape.Axis(int(n.ConstInput(1).Int64s()[0]))
			if err != nil {
				return nil, err
			}
			x, y := in[0].F32(), out[0].F32()
			along, inner := in[0].Shape[axis], in[0].Shape[axis+1:].Elems()
			exclusive := n.Attrs.Bool("exclusive", false)
			from, step := 0, inner
			if n.Attrs.Bool("reverse", false) {
				from, step = (along-1)*inner, -inner
			}
			body := func(_, lo, hi int) {
				for i := lo; i < hi; i++ {
					at, total := i/inner*along*inner+i%inner+from, 0.0
					for range along {
						before := total
						total += float64(x[at])
						y[at] = float32(total)
						if exclusive {
							y[at] = float32(before)
						}
						at += step
					}
				}
			}
			return func() error {
				s.Pool.For(len(x)/along, max(1, chunk/along), body)
				return nil
			}, nil
		},
	})
}
