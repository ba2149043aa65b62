package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	register(op.Def{
		Type: "CastLike",
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 2, 2); err != nil {
				return err
			}
			return set(n, 0, typeOf(n, 1), shapeOf(n, 0))
		},
		Grad:   gradCast,
		NoGrad: []int{1},
		Eval: func(_ *graph.Node, in, out []*tensor.Tensor) error {
			convert(out[0], in[0])
			return nil
		},
		Samples: func() []op.Sample {
			return []op.Sample{
				{Name: "integers", In: []*tensor.Tensor{floats32([]int{2}, 1.5, -1.5), ints(0)}, Want: one(ints(1, -1))},
				{Name: "floats", In: []*tensor.Tensor{op.Normalish(1, 2, 2), tensor.Scalar[float32](0)}},
			}
		},
	}, 15, 19, 21)
}
