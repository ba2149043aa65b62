package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	Register(Kernel{
		Name: "where", Op: onnx("Where"), InPlace: []int{1, 2},
		When: func(n *graph.Node) bool { return n.Out[0].Type.DType == tensor.Float32 && smallRank(n) },
		Bind: func(_ *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			cond, a, b, y := tensor.Slice[bool](in[0]), in[1].F32(), in[2].F32(), out[0].F32()
			loops := broadcastNest(out[0].Shape, in[0].Shape, in[1].Shape, in[2].Shape)
			cStep, aStep, bStep := loops.inner(1), loops.inner(2), loops.inner(3)
			run := func(at offsets, n int) {
				ci, ai, bi := at[1], at[2], at[3]
				for i := range y[at[0] : at[0]+n] {
					v := b[bi]
					if cond[ci] {
						v = a[ai]
					}
					y[at[0]+i] = v
					ci, ai, bi = ci+cStep, ai+aStep, bi+bStep
				}
			}
			body := func(_, lo, hi int) { loops.runs(lo, hi, run) }
			return func() error {
				s.Pool.For(loops.total, chunk, body)
				return nil
			}, nil
		},
	})
}
