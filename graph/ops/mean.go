package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	register(op.Def{
		Type:  "Mean",
		Infer: inferVariadic(floats),
		Grad: func(b *op.Backward) {
			share := scaled(b, b.Grad(0), 1/float64(len(b.Node.In)))
			for i := range b.Node.In {
				b.Set(i, share)
			}
		},
		Eval: func(_ *graph.Node, in, out []*tensor.Tensor) error {
			total := fold(out[0].Shape, in, (*tensor.Tensor).Float64s, func(x, y float64) float64 { return x + y })
			out[0].SetFloat64s(apply(total, func(x float64) float64 { return x / float64(len(in)) }))
			return nil
		},
		Samples: func() []op.Sample {
			return append(variadicSamples(), example("three", floats32([]int{2}, 2, 4), floats32([]int{2}, 1, 7),
				floats32([]int{2}, 2, 2), tensor.Scalar[float32](3)))
		},
	}, 6, 8, 13)
}
