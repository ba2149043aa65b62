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
		Name: name, Op: onnx(typ), InPlace: []int{0, 1}, Half: hasHalf, Scratch: elementRooms,
		When: func(n *graph.Node) bool { return len(n.In) == 2 && allFloat(n) },
		Bind: func(_ *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			return f.bind(in[0], in[1], out[0], s), nil
		},
		loops: func(*graph.Node) loops { return loops{two: f} },
	})
}

func (f binary) bind(ta, tb, ty *tensor.Tensor, s Scratch) func() error {
	a, b, y := vectorOf(ta), vectorOf(tb), vectorOf(ty)
	loops, room, step := broadcastNest(ty.Shape, ta.Shape, tb.Shape), roomsIn(s, 2, halfBlock), stepOf(a, b, y)
	left, right := loops.inner(1) != 0, loops.inner(2) != 0
	body := func(worker, lo, hi int) {
		first, second := room.of(worker, 0), room.of(worker, 1)
		loops.runs(lo, hi, func(at offsets, n int) {
			for i := 0; i < n; i += step {
				m := min(step, n-i)
				from := at[0] + i
				dst := y.place(first, from, from+m)
				switch {
				case !left:
					f.sv(dst, a.at(at[1]), b.read(second, at[2]+i, at[2]+i+m))
				case !right:
					f.vs(dst, a.read(first, at[1]+i, at[1]+i+m), b.at(at[2]))
				default:
					f.vv(dst, a.read(first, at[1]+i, at[1]+i+m), b.read(second, at[2]+i, at[2]+i+m))
				}
				y.put(dst, from, from+m)
			}
		})
	}
	return func() error {
		s.Pool.For(loops.total, chunk, body)
		return nil
	}
}
