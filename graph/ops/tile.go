package ops

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	register(op.Def{
		Type:   "Tile",
		Infer:  inferTile,
		Grad:   gradTile,
		NoGrad: []int{1},
		Eval: func(_ *graph.Node, in, out []*tensor.Tensor) error {
			at := sources(out[0].Shape, in[0].Shape, func(d, o int) int { return o % in[0].Shape[d] })
			for i, from := range at {
				copyElem(out[0], i, in[0], from)
			}
			return nil
		},
		Samples: func() []op.Sample {
			by := func(name string, in *tensor.Tensor, repeats ...int) op.Sample {
				return op.Sample{Name: name, In: []*tensor.Tensor{in, ints(repeats...)}, Const: []int{1}}
			}
			twice := by("twice", count(2, 2), 1, 2)
			twice.Want = one(floats32([]int{2, 4}, 0, 1, 0, 1, 2, 3, 2, 3))
			return []op.Sample{
				twice,
				by("both axes", op.Normalish(1, 2, 3), 3, 2),
				by("once", op.Normalish(2, 2, 3), 1, 1),
				by("never", op.Normalish(3, 2, 3), 1, 0),
				by("integers", ints(1, 2), 2),
				by("scalar", op.Normalish(4)),
			}
		},
	}, 6, 13)
}

func inferTile(n *graph.Node) error {
	if err := inputs(n, 2, 2); err != nil {
		return err
	}
	repeats, err := constant(n, 1, "number of repeats")
	if err != nil {
		return err
	}
	shape := shapeOf(n, 0).Clone()
	if len(repeats) != len(shape) {
		return fmt.Errorf("repeats %v do not fit shape %v", repeats, shape)
	}
	for d, times := range repeats {
		if times < 0 || shape[d] > 0 && times > math.MaxInt/shape[d] {
			return fmt.Errorf("repeats %v of shape %v are out of range", repeats, shape)
		}
		shape[d] *= times
	}
	return set(n, 0, typeOf(n, 0), shape)
}

// gradTile gives each axis one for its repetitions in front of it, and sums over those.
func gradTile(b *op.Backward) {
	from, to := b.In(0).Type.Shape, b.Out(0).Type.Shape
	if from.Elems() == 0 {
		b.Set(0, zeros(b, b.In(0)))
		return
	}
	var split, kept tensor.Shape
	for d, dim := range from {
		split, kept = append(split, to[d]/dim, dim), append(kept, 1, dim)
	}
	b.Set(0, b.Reshape(b.SumTo(b.Reshape(b.Grad(0), split), kept), from))
}
