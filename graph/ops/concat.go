package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	register(op.Def{
		Type:  "Concat",
		Infer: inferConcat,
		Grad: func(b *op.Backward) {
			axis, err := axisOf(b.Node, 1)
			if fails(b, err) {
				return
			}
			at := 0
			for i, v := range b.Node.In {
				next := at + v.Type.Shape[axis]
				if b.Want(i) {
					b.Set(i, cut(b, b.Grad(0), axis, at, next))
				}
				at = next
			}
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			axis, err := axisOf(n, 1)
			if err != nil {
				return err
			}
			first, strides := 0, out[0].Shape.Strides()
			for _, t := range in {
				place(out[0], t, first, strides)
				first += t.Shape[axis] * strides[axis]
			}
			return nil
		},
		Samples: func() []op.Sample {
			along := func(name string, axis int, in ...*tensor.Tensor) op.Sample {
				return op.Sample{Name: name, Attrs: graph.MakeAttrs("axis", axis), In: in}
			}
			pair := along("rows", 0, count(1, 2), count(2, 2))
			pair.Want = one(floats32([]int{3, 2}, 0, 1, 0, 1, 2, 3))
			columns := along("columns", -1, count(2, 1), count(2, 2))
			columns.Want = one(floats32([]int{2, 3}, 0, 0, 1, 1, 2, 3))
			return []op.Sample{
				pair, columns,
				along("one", 1, op.Normalish(1, 2, 3)),
				along("three", 1, op.Normalish(2, 2, 3, 2), op.Normalish(3, 2, 1, 2), op.Normalish(4, 2, 2, 2)),
				along("an empty one", 0, op.Normalish(5, 2, 2), tensor.New(tensor.Float32, 0, 2)),
				along("shapes", 0, ints(3, 4), ints(5)),
			}
		},
	}, 4, 11, 13)
}

func inferConcat(n *graph.Node) error {
	if len(n.In) == 0 {
		return fmt.Errorf("no inputs")
	}
	all := make([]int, len(n.In))
	for i := range all {
		all[i] = i
	}
	if err := inputs(n, len(n.In), -1); err != nil {
		return err
	}
	if err := sameType(n, anyType, all...); err != nil {
		return err
	}
	if !n.Attrs.Has("axis") {
		return fmt.Errorf("attribute axis is missing")
	}
	axis, err := axisOf(n, 0)
	if err != nil {
		return err
	}
	shape := shapeOf(n, 0).Clone()
	for _, v := range n.In[1:] {
		s := v.Type.Shape
		if len(s) != len(shape) || !s[:axis].Equal(shape[:axis]) || !s[axis+1:].Equal(shape[axis+1:]) {
			return fmt.Errorf("input %q of shape %v does not join %v along axis %d", v.Name, s, shapeOf(n, 0), axis)
		}
		shape[axis] += s[axis]
	}
	return set(n, 0, typeOf(n, 0), shape)
}

// cut emits the part [from, to) of v along an axis.
func cut(b *op.Backward, v *graph.Value, axis, from, to int) *graph.Value {
	if b.Err != nil || from == 0 && to == v.Type.Shape[axis] {
		return v
	}
	return b.Op("Slice", v, b.Ints(from), b.Ints(to), b.Ints(axis))
}
