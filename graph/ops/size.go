package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	register(op.Def{
		Type: "Size",
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 1, 1); err != nil {
				return err
			}
			return set(n, 0, tensor.Int64, tensor.Shape{})
		},
		// Eval must not read elements: folding calls it with a tensor that has none.
		Eval: func(_ *graph.Node, in, out []*tensor.Tensor) error {
			out[0].I64()[0] = int64(in[0].Elems())
			return nil
		},
		Samples: func() []op.Sample {
			return []op.Sample{
				{Name: "matrix", In: one(count(2, 3)), Want: one(tensor.Scalar[int64](6))},
				{Name: "scalar", In: one(count()), Want: one(tensor.Scalar[int64](1))},
				{Name: "empty", In: one(count(4, 0)), Want: one(tensor.Scalar[int64](0))},
			}
		},
	}, 1, 13, 19, 21)
}
