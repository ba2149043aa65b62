package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	registerArg("arg_max", "ArgMax", func(v, best float32) bool { return v > best || v != v && best == best })
	registerArg("arg_min", "ArgMin", func(v, best float32) bool { return v < best || v == v && best != best })
}

// registerArg registers an operator that finds the first element along an axis than which none is better.
func registerArg(name, typ string, better func(v, best float32) bool) {
	Register(Kernel{
		Name: name, Op: onnx(typ),
		When: func(n *graph.Node) bool {
			return n.In[0].Type.DType == tensor.Float32 && nonEmpty(n) && !n.Attrs.Bool("select_last_index", false)
		},
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			axis, err := in[0].Shape.Axis(n.Attrs.Int("axis", 0))
			if err != nil {
				return nil, err
			}
			x, y := in[0].F32(), out[0].I64()
			along, inner := in[0].Shape[axis], in[0].Shape[axis+1:].Elems()
			body := func(_, lo, hi int) {
				for i := lo; i < hi; i++ {
					first := i/inner*along*inner + i%inner
					best, at := x[first], 0
					for a := 1; a < along; a++ {
						if v := x[first+a*inner]; better(v, best) {
							best, at = v, a
						}
					}
					y[i] = int64(at)
				}
			}
			return func() error {
				s.Pool.For(len(y), max(1, chunk/along), body)
				return nil
			}, nil
		},
	})
}
