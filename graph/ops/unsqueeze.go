package ops

import (
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	for _, since := range []int{1, 11, 13, 21} {
		op.Register(op.Def{
			Type: "Unsqueeze", Since: since,
			Infer:  inferUnsqueeze,
			Grad:   gradReshape,
			NoGrad: []int{1},
			Eval:   evalCopy,
			View:   true,
			Samples: func() []op.Sample {
				to := func(name string, want tensor.Shape, axes ...int) op.Sample {
					return list(op.Sample{Name: name, In: one(count(3, 2)), Want: one(count(want...))}, since, 13, "axes", axes...)
				}
				return []op.Sample{
					to("front", tensor.Shape{1, 3, 2}, 0),
					to("two, unordered", tensor.Shape{3, 1, 2, 1}, 3, 1),
					to("from the end", tensor.Shape{3, 2, 1}, -1),
				}
			},
		})
	}
}

func inferUnsqueeze(n *graph.Node) error {
	if err := inputs(n, 1, 2); err != nil {
		return err
	}
	given, err := listed(n, 13, "axes", 1)
	if err != nil {
		return err
	}
	from := shapeOf(n, 0)
	added, err := axes(given, len(from)+len(given))
	if err != nil {
		return err
	}
	var shape tensor.Shape
	for i := range len(from) + len(given) {
		if slices.Contains(added, i) {
			shape = append(shape, 1)
		} else {
			shape, from = append(shape, from[0]), from[1:]
		}
	}
	return set(n, 0, typeOf(n, 0), shape)
}
