package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// RNNGrad is the gradient of an RNN with respect to X, W, R, B and initial_h, from the RNN's inputs, Y and the gradients
// of Y and Y_h, of which one may be absent.
func init() {
	op.Register(op.Def{
		Domain: op.Internal, Type: "RNNGrad", Since: 1,
		Infer: func(n *graph.Node) error { return inferRecurrentGrad(n, 6, 2) },
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			return evalRecurrentGrad(n, in[:6], []*tensor.Tensor{at(in, 7), at(in, 8)}, out, rnnOf)
		},
		Samples: func() []op.Sample { return recurrentGradSamples("RNN") },
	})
}
