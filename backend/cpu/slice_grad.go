package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	Register(Kernel{
		Name: "slice_grad", Op: graph.OpID{Domain: op.Internal, Type: "SliceGrad"}, When: smallRank, Half: moves,
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			to := whole(out[0])
			for d, first := range n.Attrs.Ints("starts") {
				if in[0].Shape.Elems() > 0 {
					to.first += first * to.strides[d]
				}
			}
			for d, step := range n.Attrs.Ints("steps") {
				to.strides[d] *= step
			}
			move := bindMove(s.Pool, in[0].Shape, to, whole(in[0]))
			y := out[0].Data
			zero := func(_, lo, hi int) { clear(y[lo:hi]) }
			return func() error {
				s.Pool.For(len(y), 4*chunk, zero)
				move()
				return nil
			}, nil
		},
	})
}
