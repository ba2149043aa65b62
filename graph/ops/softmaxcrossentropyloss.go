package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	register(op.Def{
		Type: "SoftmaxCrossEntropyLoss",
		Infer: func(n *graph.Node) error {
			if err := inferLabelled(n, 0, 1, 2); err != nil {
				return err
			}
			if err := set(n, 0, typeOf(n, 0), lossShape(n, 1)); err != nil {
				return err
			}
			return set(n, 1, typeOf(n, 0), shapeOf(n, 0))
		},
		NoGrad: []int{1, 2},
		Grad:   gradCrossEntropy,
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			logp := in[0].Float64s()
			l := vectorsOf(in[0].Shape, 1)
			row := make([]float64, l.along)
			l.each(func(at []int) {
				for a, i := range at {
					row[a] = logp[i]
				}
				logSoftmax(row)
				for a, i := range at {
					logp[i] = row[a]
				}
			})
			if len(out) > 1 && out[1] != nil {
				out[1].SetFloat64s(logp)
			}
			return labelledLoss(n, logp, l, in[1:], out[0])
		},
		Samples: crossEntropySamples,
	}, 12, 13)
}

func gradCrossEntropy(b *op.Backward) {
	logp := ask(b, 1)
	in := append([]*graph.Value{b.Grad(0), logp}, b.Node.In[1:]...)
	var dx *graph.Value
	if b.Grad(0) != nil {
		dx = b.Internal("SoftmaxCrossEntropyGrad", b.Node.Attrs, in...)
	}
	if d := b.Grad(1); d != nil {
		through := b.Internal("LogSoftmaxGrad", graph.MakeAttrs("axis", 1), d, logp)
		if dx != nil {
			through = b.Op("Add", dx, through)
		}
		dx = through
	}
	b.Set(0, dx)
}

// inferLabelled checks scores [N, C, …], labels [N, …] and weights [C], which are the inputs of the given numbers.
func inferLabelled(n *graph.Node, scores, labels, weights int) error {
	if err := inputs(n, labels+1, weights+1); err != nil {
		return err
	}
	if err := sameType(n, floats, scores, weights); err != nil {
		return err
	}
	if err := allow(n, labels, indices); err != nil {
		return err
	}
	if err := rank(n, scores, 2, -1); err != nil {
		return err
	}
	s, t := shapeOf(n, scores), shapeOf(n, labels)
	if len(t) != len(s)-1 || t[0] != s[0] || !t[1:].Equal(s[2:]) {
		return fmt.Errorf("labels %q of shape %v do not fit scores of shape %v, which has the classes on axis 1", n.In[labels].Name, t, s)
	}
	if s[1] == 0 {
		return fmt.Errorf("scores of shape %v have no class", s)
	}
	if w := n.Input(weights); w != nil && !w.Type.Shape.Equal(s[1:2]) {
		return fmt.Errorf("weights %q have shape %v for %d classes", w.Name, w.Type.Shape, s[1])
	}
	switch r := n.Attrs.String("reduction", "mean"); r {
	case "none", "sum", "mean":
		return nil
	default:
		return fmt.Errorf("attribute reduction is %q; none, sum and mean are known", r)
	}
}

// lossShape is the labels' when nothing is reduced, a scalar's otherwise.
func lossShape(n *graph.Node, labels int) tensor.Shape {
	if n.Attrs.String("reduction", "mean") == "none" {
		return shapeOf(n, labels)
	}
	return tensor.Shape{}
}

// targets gives every position its label, and its weight, 0 for ignored ones; total is the sum of weights.
type targets struct {
	label  []int
	weight []float64
	total  float64
}

// targetsOf reads labels and, if present, weights by class. It reports labels that are no class.
func targetsOf(n *graph.Node, classes int, in []*tensor.Tensor) (targets, error) {
	labels := in[0].Int64s()
	t := targets{label: make([]int, len(labels)), weight: make([]float64, len(labels))}
	var weights []float64
	if len(in) > 1 && in[1] != nil {
		weights = in[1].Float64s()
	}
	for i, label := range labels {
		switch {
		case n.Attrs.Has("ignore_index") && label == int64(n.Attrs.Int("ignore_index", 0)):
			continue
		case label < 0 || label >= int64(classes):
			return t, fmt.Errorf("label %d at position %d is not one of %d classes", label, i, classes)
		}
		t.label[i], t.weight[i] = int(label), 1
		if weights != nil {
			t.weight[i] = weights[label]
		}
		t.total += t.weight[i]
	}
	return t, nil
}

// labelledLoss is -weight*logp at the labels, reduced. A mean over no weight at all, of a batch whose labels are all
// ignored, is 0: it has no term, and 0/0 would end the run as diverged.
func labelledLoss(n *graph.Node, logp []float64, l vectors, labels []*tensor.Tensor, out *tensor.Tensor) error {
	t, err := targetsOf(n, l.along, labels)
	if err != nil {
		return err
	}
	losses := make([]float64, len(t.label))
	sum := 0.0
	for i, w := range t.weight {
		if w == 0 {
			continue // not 0*inf
		}
		losses[i] = -w * logp[l.at(i, t.label[i])]
		sum += losses[i]
	}
	switch n.Attrs.String("reduction", "mean") {
	case "none":
		out.SetFloat64s(losses)
		return nil
	case "mean":
		if t.total != 0 {
			sum /= t.total
		}
	}
	out.SetFloat64s([]float64{sum})
	return nil
}

// at is element a of vector k.
func (l vectors) at(k, a int) int { return (k/l.inner*l.along+a)*l.inner + k%l.inner }
