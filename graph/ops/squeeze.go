package ops

import (
	"fmt"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	for _, since := range []int{1, 11, 13, 21} {
		op.Register(op.Def{
			Type: "Squeeze", Since: since,
			Infer:  inferSqueeze,
			Grad:   gradReshape,
			NoGrad: []int{1},
			Eval:   evalCopy,
			View:   true,
			Samples: func() []op.Sample {
				x := op.Sample{Name: "axes", In: one(count(1, 3, 1, 2)), Want: one(count(3, 1, 2))}
				all := op.Sample{Name: "every 1", In: x.In, Want: one(count(3, 2))}
				two := op.Sample{Name: "unordered", In: x.In, Want: one(count(3, 2))}
				return []op.Sample{
					list(x, since, 13, "axes", 0),
					all,
					list(two, since, 13, "axes", -2, 0),
				}
			},
		})
	}
}

func inferSqueeze(n *graph.Node) error {
	if err := inputs(n, 1, 2); err != nil {
		return err
	}
	given, err := listed(n, 13, "axes", 1)
	if err != nil {
		return err
	}
	from := shapeOf(n, 0)
	drop, err := axes(given, len(from))
	if err != nil {
		return err
	}
	var shape tensor.Shape
	for i, d := range from {
		listed := slices.Contains(drop, i)
		if listed && d != 1 {
			return fmt.Errorf("axis %d of shape %v is not 1", i, from)
		}
		if !listed && (given != nil || d != 1) {
			shape = append(shape, d)
		}
	}
	return set(n, 0, typeOf(n, 0), shape)
}
