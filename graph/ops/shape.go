package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	for _, since := range []int{1, 13, 15, 19, 21} {
		op.Register(op.Def{
			Type: "Shape", Since: since,
			Infer: func(n *graph.Node) error {
				if err := inputs(n, 1, 1); err != nil {
					return err
				}
				return set(n, 0, tensor.Int64, tensor.Shape{len(shapePart(n))})
			},
			// Eval must not read elements: folding calls it with a tensor that has none.
			Eval: func(n *graph.Node, _, out []*tensor.Tensor) error {
				for i, d := range shapePart(n) {
					out[0].I64()[i] = int64(d)
				}
				return nil
			},
			Samples: func() []op.Sample {
				all := []op.Sample{
					{Name: "matrix", In: one(count(2, 3)), Want: one(ints(2, 3))},
					{Name: "scalar", In: one(count()), Want: one(ints())},
				}
				part := func(name string, want *tensor.Tensor, attrs ...any) {
					all = append(all, op.Sample{Name: name, In: one(count(2, 3, 4)), Attrs: graph.MakeAttrs(attrs...), Want: one(want)})
				}
				if since >= 15 {
					part("start", ints(3, 4), "start", 1)
					part("end", ints(2, 3), "end", -1)
					part("clamped", ints(2, 3, 4), "start", -9, "end", 9)
					part("crossed", ints(), "start", 2, "end", 1)
				}
				return all
			},
		})
	}
}

// shapePart is the part of the input's shape that Shape returns, all of it before opset 15.
func shapePart(n *graph.Node) tensor.Shape {
	shape := shapeOf(n, 0)
	if n.Op.Since < 15 {
		return shape
	}
	first, _, size := span(len(shape), n.Attrs.Int("start", 0), n.Attrs.Int("end", len(shape)), 1)
	return shape[first : first+size]
}
