package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	register(op.Def{
		Type: "InstanceNormalization",
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 3, 3); err != nil {
				return err
			}
			if err := rank(n, 0, 3, -1); err != nil {
				return err
			}
			if err := perChannel(n, 0, 1, 2); err != nil {
				return err
			}
			return instances(n).infer(n)
		},
		Grad: func(b *op.Backward) { instances(b.Node).backward(b) },
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			instances(n).eval(in, out)
			return nil
		},
		Samples: func() []op.Sample {
			of := func(name string, shape ...int) op.Sample {
				c := shape[1]
				return op.Sample{Name: name, Attrs: graph.MakeAttrs("epsilon", 1e-2),
					In: []*tensor.Tensor{op.Normalish(1, shape...), op.Uniform(2, 0.5, 1.5, c), op.Normalish(3, c)}}
			}
			known := op.Sample{Name: "by hand", Attrs: graph.MakeAttrs("epsilon", 3.0),
				In:   []*tensor.Tensor{floats32([]int{1, 2, 2}, 1, 3, 0, 0), floats32([]int{2}, 4, 2), floats32([]int{2}, 1, -1)},
				Want: one(floats32([]int{1, 2, 2}, -1, 3, -1, -1))}
			return []op.Sample{known, of("images", 2, 3, 2, 3), of("signals", 2, 2, 5), of("volumes", 1, 2, 2, 2, 2)}
		},
	}, 1, 6, 22)
}

func instances(n *graph.Node) groupNorm {
	x := shapeOf(n, 0)
	return groupNorm{x, x[1], n.Attrs.Float("epsilon", 1e-5)}
}
