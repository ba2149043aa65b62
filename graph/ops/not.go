package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	register(op.Def{
		Type:  "Not",
		Infer: sameAsFirst(1, 1, boolean),
		Eval: func(_ *graph.Node, in, out []*tensor.Tensor) error {
			out[0].SetFloat64s(apply(in[0].Float64s(), func(x float64) float64 { return 1 - x }))
			return nil
		},
		Samples: func() []op.Sample {
			return []op.Sample{example("both", tensor.Vector(true, false), tensor.Vector(false, true))}
		},
	}, 1)
}
