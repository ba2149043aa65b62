package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	registerCompare("equal", "Equal", func(a, b float32) bool { return a == b }, func(a, b int64) bool { return a == b })
	registerCompare("less", "Less", func(a, b float32) bool { return a < b }, func(a, b int64) bool { return a < b })
	registerCompare("less_or_equal", "LessOrEqual", func(a, b float32) bool { return a <= b }, func(a, b int64) bool { return a <= b })
	registerCompare("greater", "Greater", func(a, b float32) bool { return a > b }, func(a, b int64) bool { return a > b })
	registerCompare("greater_or_equal", "GreaterOrEqual", func(a, b float32) bool { return a >= b }, func(a, b int64) bool { return a >= b })
}

func registerCompare(name, typ string, floats func(a, b float32) bool, ints func(a, b int64) bool) {
	Register(Kernel{
		Name: name, Op: onnx(typ),
		When: func(n *graph.Node) bool {
			dt := n.In[0].Type.DType
			return (dt == tensor.Float32 || dt == tensor.Int64) && smallRank(n)
		},
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			if in[0].DType == tensor.Int64 {
				return bindCompare(in[0], in[1], out[0], ints, s), nil
			}
			return bindCompare(in[0], in[1], out[0], floats, s), nil
		},
	})
}

func bindCompare[T tensor.Element](ta, tb, ty *tensor.Tensor, holds func(a, b T) bool, s Scratch) func() error {
	a, b, y := tensor.Slice[T](ta), tensor.Slice[T](tb), tensor.Slice[bool](ty)
	loops := broadcastNest(ty.Shape, ta.Shape, tb.Shape)
	aStep, bStep := loops.inner(1), loops.inner(2)
	run := func(at offsets, n int) {
		ai, bi := at[1], at[2]
		for i := range y[at[0] : at[0]+n] {
			y[at[0]+i] = holds(a[ai], b[bi])
			ai, bi = ai+aStep, bi+bStep
		}
	}
	body := func(_, lo, hi int) { loops.runs(lo, hi, run) }
	return func() error {
		s.Pool.For(loops.total, chunk, body)
		return nil
	}
}
