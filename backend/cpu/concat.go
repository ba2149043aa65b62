package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	Register(Kernel{
		Name: "concat", Op: onnx("Concat"), When: smallRank, Half: joins,
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			axis, err := out[0].Shape.Axis(n.Attrs.Int("axis", 0))
			if err != nil {
				return nil, err
			}
			var moves []func()
			to := whole(out[0])
			for _, t := range in {
				moves = append(moves, bindMove(s.Pool, t.Shape, to, whole(t)))
				to.first += t.Shape[axis] * to.strides[axis]
			}
			return all(moves), nil
		},
	})
	Register(Kernel{
		Name: "split", Op: onnx("Split"), Half: moves, When: func(n *graph.Node) bool { return n.Out[0] != nil && smallRank(n) },
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			axis, err := in[0].Shape.Axis(n.Attrs.Int("axis", 0))
			if err != nil {
				return nil, err
			}
			var moves []func()
			from := whole(in[0])
			for _, t := range out {
				moves = append(moves, bindMove(s.Pool, t.Shape, whole(t), from))
				from.first += t.Shape[axis] * from.strides[axis]
			}
			return all(moves), nil
		},
	})
}

func all(moves []func()) func() error {
	return func() error {
		for _, move := range moves {
			move()
		}
		return nil
	}
}
