package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// shuffle views a tensor under shape split, transposes it by perm and views the result under shape to.
type shuffle struct {
	split tensor.Shape
	perm  []int
	to    tensor.Shape
}

// shuffled defines an operator on images that only moves elements.
func shuffled(typ string, plan func(n *graph.Node) (shuffle, error), samples func(since int) []op.Sample, versions ...int) {
	for _, since := range versions {
		op.Register(op.Def{
			Type: typ, Since: since,
			Infer: func(n *graph.Node) error {
				if err := inputs(n, 1, 1); err != nil {
					return err
				}
				if err := rank(n, 0, 4, 4); err != nil {
					return err
				}
				s, err := plan(n)
				if err != nil {
					return err
				}
				return set(n, 0, typeOf(n, 0), s.to)
			},
			Grad: func(b *op.Backward) {
				s, err := plan(b.Node)
				if fails(b, err) {
					return
				}
				dy := b.Reshape(b.Grad(0), permuted(s.split, s.perm))
				dy = b.OpAttrs("Transpose", graph.MakeAttrs("perm", inverse(s.perm)), dy)
				b.Set(0, b.Reshape(dy, b.In(0).Type.Shape))
			},
			Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
				s, err := plan(n)
				if err != nil {
					return err
				}
				moved := &tensor.Tensor{DType: out[0].DType, Shape: permuted(s.split, s.perm), Data: out[0].Data}
				pick(moved, in[0], 0, permuted(s.split.Strides(), s.perm))
				return nil
			},
			Samples: func() []op.Sample { return samples(since) },
		})
	}
}

// blockSize is the side of the squares that are moved between channels and space.
func blockSize(n *graph.Node) (int, error) {
	side := n.Attrs.Int("blocksize", 0)
	if side < 1 || side > 1<<20 {
		return 0, fmt.Errorf("blocksize %d is out of range", side)
	}
	return side, nil
}
