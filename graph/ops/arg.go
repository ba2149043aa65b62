package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// argOp registers an operator that finds the index of an extreme element along an axis: the first of equal ones, or
// the last when select_last_index, known since version 12, says so. better orders by what cmp says of two elements;
// NaN counts as larger than every number.
func argOp(typ string, better func(cmp int) bool, samples func(since int) []op.Sample) {
	for _, since := range []int{1, 11, 12, 13} {
		op.Register(op.Def{
			Type: typ, Since: since,
			Infer: inferArg,
			Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
				axis, err := axisOf(n, 0)
				if err != nil {
					return err
				}
				cmp, last := orderOf(in[0]), n.Attrs.Bool("select_last_index", false)
				index := out[0].I64()[:0]
				vectorsOf(in[0].Shape, axis).each(func(at []int) {
					best := 0
					for a := range at {
						c := cmp(at[a], at[best])
						if better(c) || last && c == 0 {
							best = a
						}
					}
					index = append(index, int64(best))
				})
				return nil
			},
			Samples: func() []op.Sample { return samples(since) },
		})
	}
}

func inferArg(n *graph.Node) error {
	if err := inputs(n, 1, 1); err != nil {
		return err
	}
	if err := allow(n, 0, numeric); err != nil {
		return err
	}
	axis, err := axisOf(n, 0)
	if err != nil {
		return err
	}
	shape := shapeOf(n, 0).Clone()
	if shape[axis] == 0 && keptShape(shape, []int{axis}).Elems() > 0 {
		return fmt.Errorf("axis %d of shape %v has no element to choose", axis, shape)
	}
	shape = keptShape(shape, []int{axis})
	if !n.Attrs.Bool("keepdims", true) {
		shape = without(shape, []int{axis})
	}
	return set(n, 0, tensor.Int64, shape)
}

// argSamples are samples with the indices wanted of 2 1 2 0 along rows, and of the last of equal ones.
func argSamples(since int, first, last int64, unsigned int64) []op.Sample {
	row := floats32([]int{1, 6}, 2, 1, 2, 0, 0, 1)
	all := []op.Sample{
		{Name: "first of equals", Attrs: graph.MakeAttrs("axis", 1), In: one(row), Want: one(tensor.Of(tensor.Shape{1, 1}, first))},
		{Name: "default axis", In: one(op.Normalish(1, 3, 4))},
		{Name: "middle axis", Attrs: graph.MakeAttrs("axis", -2, "keepdims", 0), In: one(op.Normalish(2, 2, 3, 4))},
		{Name: "unsigned", In: one(tensor.Vector[uint64](1, 1<<63)), Want: one(tensor.Vector(unsigned))},
	}
	if since >= 12 {
		all = append(all, op.Sample{Name: "last of equals", Attrs: graph.MakeAttrs("axis", 1, "keepdims", 0, "select_last_index", 1),
			In: one(row), Want: one(tensor.Vector(last))})
	}
	return all
}
