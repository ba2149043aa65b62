package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	add := arithmetic{floats: func(x, y float64) float64 { return x + y }}
	register(op.Def{
		Type:  "Sum",
		Infer: inferVariadic(floats),
		Grad: func(b *op.Backward) {
			for i := range b.Node.In {
				b.Set(i, b.Grad(0))
			}
		},
		Eval: func(_ *graph.Node, in, out []*tensor.Tensor) error {
			add.fold(out[0], in...)
			return nil
		},
		Samples: func() []op.Sample {
			return append(variadicSamples(), example("three", floats32([]int{2}, 6, 12), floats32([]int{2}, 1, 7),
				floats32([]int{2}, 2, 2), tensor.Scalar[float32](3)))
		},
	}, 6, 8, 13)
}
