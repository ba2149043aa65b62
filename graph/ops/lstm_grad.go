package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// LSTMGrad is the gradient of an LSTM with respect to X, W, R, B, initial_h, initial_c and P, from the LSTM's inputs, Y
// and the gradients of Y, Y_h and Y_c, of which some may be absent. The gates follow from X and Y without the
// recurrence, so they are computed again instead of kept.
func init() {
	op.Register(op.Def{
		Domain: op.Internal, Type: "LSTMGrad", Since: 1,
		Infer: func(n *graph.Node) error { return inferRecurrentGrad(n, 8, 3) },
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			grads := []*tensor.Tensor{at(in, 9), at(in, 10), at(in, 11)}
			return evalRecurrentGrad(n, in[:8], grads, out, lstmOf(n))
		},
		Samples: func() []op.Sample { return recurrentGradSamples("LSTM") },
	})
}
