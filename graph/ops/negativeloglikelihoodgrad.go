package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// NegativeLogLikelihoodGrad is the gradient of the log-probabilities, of the attribute shape [N, C, …], of a
// NegativeLogLikelihoodLoss, whose attributes it has, from dloss, labels and optional weights: -weight*dloss at the
// labels, for the mean over the sum of weights.
func init() {
	op.Register(op.Def{
		Domain: op.Internal, Type: "NegativeLogLikelihoodGrad", Since: 1,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 2, 3); err != nil {
				return err
			}
			if err := sameType(n, floats, 0, 2); err != nil {
				return err
			}
			if err := allow(n, 1, indices); err != nil {
				return err
			}
			shape, labels := tensor.Shape(n.Attrs.Ints("shape")), shapeOf(n, 1)
			if len(shape) < 2 || shape[1] < 1 || !without(shape, []int{1}).Equal(labels) {
				return fmt.Errorf("labels %q of shape %v do not fit shape %v", n.In[1].Name, labels, shape)
			}
			if err := inferLossGrad(n, 0, 1); err != nil {
				return err
			}
			return set(n, 0, typeOf(n, 0), shape)
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			l := vectorsOf(out[0].Shape, 1)
			factor, label, err := lossFactors(n, l.along, in[0], in[1:])
			if err != nil {
				return err
			}
			dx := make([]float64, out[0].Elems())
			for k, f := range factor {
				dx[l.at(k, label[k])] = -f
			}
			out[0].SetFloat64s(dx)
			return nil
		},
		Samples: func() []op.Sample {
			return lossGradSamples(func(shape tensor.Shape) (*tensor.Tensor, graph.Attrs) {
				return nil, graph.MakeAttrs("shape", []int(shape))
			})
		},
	})
}
