package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// binary is an elementwise function of two operands over contiguous runs, where either may be one number.
type binary struct {
	vv func(dst, a, b []float32)
	vs func(dst, a []float32, b float32)
	sv func(dst []float32, a float32, b []float32)
}

// registerBinary registers an elementwise operator with numpy broadcasting.
func registerBinary(name, typ string, f binary) {
	Register(Kernel{
		Name: name, Op: onnx(typ), InPlace: []int{0, 1},
		When: func(n *graph.Node) bool { return len(n.In) == 2 && allFloat32(n) },
		Bind: func(_ *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			return f.bind(in[0], in[1], out[0], s), nil
		},
		loops: func(*graph.Node) loops { return loops{two: f} },
	})
}

func (f binary) bind(ta, tb, ty *tensor.Tensor, s Scratch) func() error {
	a, b, y := ta.F32(), tb.F32(), ty.F32()
	loops := broadcastNest(ty.Shape, ta.Shape, tb.Shape)
	var run func(at offsets, n int)
	switch {
	case loops.inner(1) == 0:
		run = func(at offsets, n int) { f.sv(y[at[0]:at[0]+n], a[at[1]], b[at[2]:at[2]+n]) }
	case loops.inner(2) == 0:
		run = func(at offsets, n int) { f.vs(y[at[0]:at[0]+n], a[at[1]:at[1]+n], b[at[2]]) }
	default:
		run = func(at offsets, n int) { f.vv(y[at[0]:at[0]+n], a[at[1]:at[1]+n], b[at[2]:at[2]+n]) }
	}
	body := func(_, lo, hi int) { loops.runs(lo, hi, run) }
	return func() error {
		s.Pool.For(loops.total, chunk, body)
		return nil
	}
}
