package ops

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// SoftmaxCrossEntropyGrad is the gradient of the scores of a SoftmaxCrossEntropyLoss, whose attributes it has, from
// dloss, log_prob, labels and optional weights: (exp(log_prob) - onehot(label)) * weight * dloss, for the mean over the
// sum of weights; 0 at ignored labels.
func init() {
	op.Register(op.Def{
		Domain: op.Internal, Type: "SoftmaxCrossEntropyGrad", Since: 1,
		Infer: func(n *graph.Node) error {
			if err := inferLabelled(n, 1, 2, 3); err != nil {
				return err
			}
			if err := inferLossGrad(n, 1, 2); err != nil {
				return err
			}
			return set(n, 0, typeOf(n, 1), shapeOf(n, 1))
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			dx := in[1].Float64s()
			l := vectorsOf(in[1].Shape, 1)
			factor, label, err := lossFactors(n, l.along, in[0], in[2:])
			if err != nil {
				return err
			}
			for k, f := range factor {
				for a := range l.along {
					i := l.at(k, a)
					if f == 0 {
						dx[i] = 0
						continue
					}
					dx[i] = math.Exp(dx[i]) * f
				}
				dx[l.at(k, label[k])] -= f
			}
			out[0].SetFloat64s(dx)
			return nil
		},
		Samples: func() []op.Sample {
			return lossGradSamples(func(shape tensor.Shape) (*tensor.Tensor, graph.Attrs) { return op.Uniform(9, -3, -0.5, shape...), nil })
		},
	})
}

// inferLossGrad checks dloss, input 0, against the labels; scores gives the element type.
func inferLossGrad(n *graph.Node, scores, labels int) error {
	if d := n.In[0]; !d.Type.Shape.Equal(lossShape(n, labels)) {
		return fmt.Errorf("the gradient %q of the loss has shape %v, want %v", d.Name, d.Type.Shape, lossShape(n, labels))
	}
	return sameType(n, floats, 0, scores)
}

// lossFactors is what the derivative of a position's log-probability is multiplied by, and its label.
func lossFactors(n *graph.Node, classes int, dloss *tensor.Tensor, labels []*tensor.Tensor) ([]float64, []int, error) {
	t, err := targetsOf(n, classes, labels)
	if err != nil {
		return nil, nil, err
	}
	d := dloss.Float64s()
	reduction := n.Attrs.String("reduction", "mean")
	for i, w := range t.weight {
		switch {
		case w == 0:
		case reduction == "none":
			t.weight[i] = w * d[i]
		case reduction == "mean":
			t.weight[i] = w * d[0] / t.total
		default:
			t.weight[i] = w * d[0]
		}
	}
	return t.weight, t.label, nil
}

// lossGradSamples are the samples of losses with dloss in front; second makes input 1, if any, from the scores' shape
// and adds attributes.
func lossGradSamples(second func(scores tensor.Shape) (*tensor.Tensor, graph.Attrs)) []op.Sample {
	all := labelledSamples()
	for i, s := range all {
		dloss := tensor.Scalar(float32(1.5))
		if s.Attrs.String("reduction", "mean") == "none" {
			dloss = op.Normalish(8, s.In[1].Shape...)
		}
		t, more := second(s.In[0].Shape)
		in := []*tensor.Tensor{dloss}
		if t != nil {
			in = append(in, t)
		}
		all[i].In = append(in, s.In[1:]...)
		for _, a := range more {
			all[i].Attrs = all[i].Attrs.With(a.Name, a.Value)
		}
	}
	return all
}
