package pass

import (
	"fmt"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// LabelInput is the name of the input that the loss adds to the graph.
const LabelInput = "onnxtrain.label"

// IgnoreIndex is the class label that cross-entropy leaves out, as in PyTorch.
const IgnoreIndex = -100

// Loss says which loss to attach. Kind "" or "auto" takes a loss that the model computes itself, and otherwise chooses
// by the label: cross-entropy for class indices, mean squared error for numbers, binary cross-entropy where the model ends
// in a sigmoid; "none" attaches nothing.
type Loss struct {
	Kind      string
	Output    string     // the output that it looks at; "" is the first
	Label     graph.Type // the label's type, batch included; of no meaning when the model computes its loss itself
	Smoothing float64    // label smoothing of cross-entropy, in [0, 1)
	Weight    float64    // its factor in the sum of several losses; 0 is 1
	And       []Loss     // further losses, which are added; each has its own output and label
}

// All lists the loss and those that are added to it.
func (l Loss) All() []Loss { return append([]Loss{l}, l.And...) }

var losses = map[string]func(*lossBuilder) *graph.Value{
	"ce":    (*lossBuilder).crossEntropy,
	"mse":   (*lossBuilder).squaredError,
	"l1":    (*lossBuilder).absoluteError,
	"bce":   (*lossBuilder).binaryCrossEntropy,
	"huber": (*lossBuilder).huber,
	"nll":   (*lossBuilder).logLikelihood,
}

// Losses lists the kinds of loss.
func Losses() []string {
	return []string{"auto", "bce", "ce", "huber", "l1", ModelLoss, "mse", "nll", "none"}
}

// lossBuilder emits nodes; the first error sticks.
type lossBuilder struct {
	g             *graph.Graph
	output, label *graph.Value
	smoothing     float64
	terms         int
	err           error
}

func (l *lossBuilder) op(typ string, attrs graph.Attrs, in ...*graph.Value) *graph.Value {
	if l.err != nil {
		return nil
	}
	out, err := op.Build(l.g, nil, "", typ, attrs, 1, in...)
	if err != nil {
		l.err = err
		return nil
	}
	return out[0]
}

func (l *lossBuilder) scalar(x float64) *graph.Value {
	t := tensor.New(l.output.Type.DType)
	t.SetFloat64s([]float64{x})
	return l.g.NewConst("", t)
}

func (l *lossBuilder) mean(v *graph.Value) *graph.Value {
	return l.op("ReduceMean", graph.MakeAttrs("keepdims", 0), v)
}

// rows checks that scores have the classes on the last axis, or on axis 1 where the label says so, and that there is one
// class index for each other position. Positions before classes, as language models write them, are made rows.
func (l *lossBuilder) rows() (scores, label *graph.Value) {
	scores, label = l.output, l.label
	s, t := scores.Type.Shape, label.Type.Shape
	if label.Type.DType.IsFloat() {
		l.err = fmt.Errorf("cross-entropy needs class indices as labels, not %v; use the loss mse, l1 or bce", label.Type)
		return nil, nil
	}
	last := len(s) - 1
	switch {
	case len(s) == 2 && t.Equal(s[:1]):
	case len(s) > 2 && t.Equal(s[:last]):
		rows := t.Elems()
		scores = l.op("Reshape", nil, scores, l.g.NewConst("", tensor.Vector(int64(rows), int64(s[last]))))
		label = l.op("Reshape", nil, label, l.g.NewConst("", tensor.Vector(int64(rows))))
	case len(s) > 2 && t.Equal(slices.Concat(s[:1], s[2:])):
	default:
		l.err = fmt.Errorf("labels of shape %v do not fit output %q of shape %v: cross-entropy needs one class index for each position",
			t, l.output.Name, s)
	}
	l.terms = t.Elems()
	return scores, label
}

var classMean = graph.MakeAttrs("reduction", "mean", "ignore_index", IgnoreIndex)

func (l *lossBuilder) crossEntropy() *graph.Value {
	scores, label := l.rows()
	loss := l.op("SoftmaxCrossEntropyLoss", classMean, scores, label)
	if l.smoothing == 0 {
		return loss
	}
	// The smoothed target puts smoothing/classes on every class.
	uniform := l.op("Neg", nil, l.mean(l.op("LogSoftmax", graph.MakeAttrs("axis", 1), scores)))
	return l.op("Add", nil, l.op("Mul", nil, loss, l.scalar(1-l.smoothing)), l.op("Mul", nil, uniform, l.scalar(l.smoothing)))
}

// logLikelihood is cross-entropy for a model that ends in log-probabilities.
func (l *lossBuilder) logLikelihood() *graph.Value {
	scores, label := l.rows()
	return l.op("NegativeLogLikelihoodLoss", classMean, scores, label)
}

// target checks that the label has the output's shape, up to axes of size 1, and gives it that shape.
func (l *lossBuilder) target() *graph.Value {
	s, t := l.output.Type.Shape, l.label.Type.Shape
	if !l.label.Type.DType.IsFloat() || s.Elems() != t.Elems() {
		l.err = fmt.Errorf("labels %v do not fit output %q %v: this loss needs one number for each output", l.label.Type, l.output.Name, l.output.Type)
		return nil
	}
	l.terms = s.Elems()
	label := l.label
	if label.Type.DType != l.output.Type.DType {
		label = l.op("CastLike", nil, label, l.output)
	}
	if s.Equal(t) {
		return label
	}
	shape := make([]int64, len(s))
	for i, d := range s {
		shape[i] = int64(d)
	}
	return l.op("Reshape", nil, label, l.g.NewConst("", tensor.Vector(shape...)))
}

func (l *lossBuilder) squaredError() *graph.Value {
	d := l.op("Sub", nil, l.output, l.target())
	return l.mean(l.op("Mul", nil, d, d))
}

func (l *lossBuilder) absoluteError() *graph.Value {
	return l.mean(l.op("Abs", nil, l.op("Sub", nil, l.output, l.target())))
}

// huber is 0.5 d² for |d| <= 1 and |d| - 0.5 beyond: with c = min(|d|, 1), c (|d| - 0.5 c).
func (l *lossBuilder) huber() *graph.Value {
	a := l.op("Abs", nil, l.op("Sub", nil, l.output, l.target()))
	c := l.op("Min", nil, a, l.scalar(1))
	return l.mean(l.op("Mul", nil, c, l.op("Sub", nil, a, l.op("Mul", nil, l.scalar(0.5), c))))
}

// binaryCrossEntropy is softplus(x) - x y for logits x and targets y in [0, 1].
func (l *lossBuilder) binaryCrossEntropy() *graph.Value {
	y := l.target()
	return l.mean(l.op("Sub", nil, l.op("Softplus", nil, l.output), l.op("Mul", nil, l.output, y)))
}
