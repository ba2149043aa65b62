package ops

import (
	"fmt"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	register(op.Def{
		Type: "Transpose",
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 1, 1); err != nil {
				return err
			}
			from := shapeOf(n, 0)
			perm, err := permutation(n)
			if err != nil {
				return err
			}
			shape := make(tensor.Shape, len(perm))
			for i, p := range perm {
				shape[i] = from[p]
			}
			return set(n, 0, typeOf(n, 0), shape)
		},
		Grad: func(b *op.Backward) {
			perm, err := permutation(b.Node)
			if fails(b, err) {
				return
			}
			b.Set(0, b.OpAttrs("Transpose", graph.MakeAttrs("perm", inverse(perm)), b.Grad(0)))
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			perm, err := permutation(n)
			if err != nil {
				return err
			}
			pick(out[0], in[0], 0, permuted(in[0].Shape.Strides(), perm))
			return nil
		},
		Samples: func() []op.Sample {
			by := func(name string, shape []int, perm ...int) op.Sample {
				return op.Sample{Name: name, Attrs: graph.MakeAttrs("perm", perm), In: one(op.Normalish(2, shape...))}
			}
			return []op.Sample{
				{Name: "matrix", In: one(count(2, 3)), Want: one(floats32([]int{3, 2}, 0, 3, 1, 4, 2, 5))},
				{Name: "reversed", In: one(op.Normalish(1, 2, 3, 4))},
				by("heads", []int{2, 3, 4, 5}, 0, 2, 1, 3),
				by("cycle", []int{2, 3, 4}, 2, 0, 1),
				by("nothing", []int{2, 3}, 0, 1),
				{Name: "scalar", In: one(op.Normalish(3))},
				{Name: "bool", In: one(tensor.Of(tensor.Shape{2, 2}, true, true, false, false)), Want: one(tensor.Of(tensor.Shape{2, 2}, true, false, true, false))},
			}
		},
	}, 1, 13, 21)
}

// permutation says which input axis each output axis is: reversed unless given.
func permutation(n *graph.Node) ([]int, error) {
	r := len(shapeOf(n, 0))
	perm := n.Attrs.Ints("perm")
	if perm == nil {
		for i := range r {
			perm = append(perm, r-1-i)
		}
	}
	sorted := slices.Sorted(slices.Values(perm))
	for i, p := range sorted {
		if p != i {
			return nil, fmt.Errorf("perm %v is not a permutation of the axes of shape %v", perm, shapeOf(n, 0))
		}
	}
	if len(perm) != r {
		return nil, fmt.Errorf("perm %v does not fit shape %v", perm, shapeOf(n, 0))
	}
	return perm, nil
}

func permuted(list, perm []int) []int {
	out := make([]int, len(perm))
	for i, p := range perm {
		out[i] = list[p]
	}
	return out
}

func inverse(perm []int) []int {
	back := make([]int, len(perm))
	for i, p := range perm {
		back[p] = i
	}
	return back
}
