package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	registerLogic("and", "And", func(a, b bool) bool { return a && b })
	registerLogic("or", "Or", func(a, b bool) bool { return a || b })
	registerLogic("xor", "Xor", func(a, b bool) bool { return a != b })
	Register(Kernel{
		Name: "not", Op: onnx("Not"), InPlace: []int{0},
		Bind: func(_ *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			x, y := tensor.Slice[bool](in[0]), tensor.Slice[bool](out[0])
			body := func(_, lo, hi int) {
				for i, v := range x[lo:hi] {
					y[lo+i] = !v
				}
			}
			return func() error {
				s.Pool.For(len(y), 4*chunk, body)
				return nil
			}, nil
		},
	})
}

func registerLogic(name, typ string, f func(a, b bool) bool) {
	bind := pairs(func(y, a, b []bool, aStep, bStep int) {
		for i := range y {
			y[i] = f(a[i*aStep], b[i*bStep])
		}
	})
	Register(Kernel{
		Name: name, Op: onnx(typ), InPlace: []int{0, 1}, When: smallRank,
		Bind: func(_ *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			return bind(in[0], in[1], out[0], s), nil
		},
	})
}
