package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	register(op.Def{
		Type: "Expand",
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 2, 2); err != nil {
				return err
			}
			want, err := constant(n, 1, "shape")
			if err != nil {
				return err
			}
			shape, err := tensor.Broadcast(shapeOf(n, 0), want)
			if err != nil {
				return err
			}
			return set(n, 0, typeOf(n, 0), shape)
		},
		Grad:   func(b *op.Backward) { b.Set(0, b.Grad(0)) },
		NoGrad: []int{1},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			size := in[0].DType.Size()
			walk(out[0].Shape, func(i int, at []int) {
				copy(out[0].Data[i*size:(i+1)*size], in[0].Data[at[0]*size:])
			}, in[0].Shape.BroadcastStrides(out[0].Shape))
			return nil
		},
		Samples: func() []op.Sample {
			to := func(name string, from []int, shape ...int64) op.Sample {
				return op.Sample{Name: name, Const: []int{1}, In: []*tensor.Tensor{op.Normalish(8, from...), tensor.Vector(shape...)}}
			}
			return []op.Sample{
				to("batch", []int{1, 1, 4}, 3, 1, 4),
				to("two ways", []int{3, 1}, 2, 1, 5),
				to("scalar", []int{}, 2, 3),
				to("nothing", []int{2, 3}, 1),
			}
		},
	}, 8, 13)
}
