package pass

import (
	"fmt"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/internal/names"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// LabelInput is the name of the input that the loss adds to the graph.
const LabelInput = "onnxtrain.label"

// IgnoreIndex is the class label that cross-entropy leaves out, as in PyTorch.
const IgnoreIndex = -100

// Loss says which loss to attach. Kind "" or "auto" chooses by the label: cross-entropy for class indices, mean squared
// error for numbers, binary cross-entropy where the model ends in a sigmoid; "none" attaches nothing.
type Loss struct {
	Kind      string
	Output    string     // the output that it looks at; "" is the first
	Label     graph.Type // the label's type, batch included
	Smoothing float64    // label smoothing of cross-entropy, in [0, 1)
}

var losses = map[string]func(*lossBuilder) *graph.Value{
	"ce":    (*lossBuilder).crossEntropy,
	"mse":   (*lossBuilder).squaredError,
	"l1":    (*lossBuilder).absoluteError,
	"bce":   (*lossBuilder).binaryCrossEntropy,
	"huber": (*lossBuilder).huber,
}

// Losses lists the kinds of loss.
func Losses() []string { return []string{"auto", "bce", "ce", "huber", "l1", "mse", "none"} }

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

func attachLoss(b *Built, o *Options) error {
	g := b.Graph
	output, err := pickOutput(g, o.Loss.Output)
	if err != nil {
		return err
	}
	b.Output = output
	if o.Loss.Kind == "none" {
		return nil
	}
	kind := o.Loss.Kind
	if kind == "" || kind == "auto" {
		kind = chooseLoss(output, o.Loss.Label)
	}
	build, ok := losses[kind]
	if !ok {
		return fmt.Errorf("unknown loss %q; did you mean %q? (there are: %v)", kind, names.Nearest(kind, Losses()), Losses())
	}
	if !output.Type.DType.IsFloat() {
		return fmt.Errorf("output %q is %v; a loss needs floating point", output.Name, output.Type)
	}
	if before := beforeActivation(kind, output); before != nil {
		g.Notice("output %q is a %v: the %s loss is taken on its input, %q", output.Name, output.Producer.Op.Type, kind, before.Name)
		output = before
	}
	l := &lossBuilder{g: g, output: output, smoothing: o.Loss.Smoothing}
	l.label = g.NewValue(LabelInput, graph.Input, o.Loss.Label)
	g.Inputs = append(g.Inputs, l.label)
	loss := build(l)
	if l.err != nil {
		return l.err
	}
	b.Output, b.Loss, b.Label, b.LossKind, b.LossTerms = output, loss, l.label, kind, l.terms
	g.Outputs = []*graph.Value{output, loss}
	return nil
}

func pickOutput(g *graph.Graph, name string) (*graph.Value, error) {
	if len(g.Outputs) == 0 {
		return nil, fmt.Errorf("the model has no output")
	}
	if name == "" {
		return g.Outputs[0], nil
	}
	var all []string
	for _, v := range g.Outputs {
		if v.Name == name {
			return v, nil
		}
		all = append(all, v.Name)
	}
	return nil, fmt.Errorf("the model has no output %q (there are: %v)", name, all)
}

func chooseLoss(output *graph.Value, label graph.Type) string {
	switch {
	case !label.DType.IsFloat():
		return "ce"
	case producedBy(output, "Sigmoid"):
		return "bce"
	default:
		return "mse"
	}
}

func producedBy(v *graph.Value, typ string) bool {
	return v.Producer != nil && v.Producer.Op.Domain == "" && v.Producer.Op.Type == typ
}

// beforeActivation is the input of the activation that the model ends in, where the loss applies it itself.
func beforeActivation(kind string, output *graph.Value) *graph.Value {
	switch {
	case kind == "ce" && (producedBy(output, "Softmax") || producedBy(output, "LogSoftmax")),
		kind == "bce" && producedBy(output, "Sigmoid"):
		return output.Producer.In[0]
	}
	return nil
}

// crossEntropy takes scores with the classes on the last axis, or on axis 1 where the label says so, and one class index
// for each other position.
func (l *lossBuilder) crossEntropy() *graph.Value {
	scores, label := l.output, l.label
	s, t := scores.Type.Shape, label.Type.Shape
	if label.Type.DType.IsFloat() {
		l.err = fmt.Errorf("cross-entropy needs class indices as labels, not %v; use the loss mse, l1 or bce", label.Type)
		return nil
	}
	last := len(s) - 1
	switch {
	case len(s) >= 2 && t.Equal(s[:last]):
		if len(s) > 2 { // positions before classes, as language models write it
			rows := t.Elems()
			scores = l.op("Reshape", nil, scores, l.g.NewConst("", tensor.Vector(int64(rows), int64(s[last]))))
			label = l.op("Reshape", nil, label, l.g.NewConst("", tensor.Vector(int64(rows))))
		}
	case len(s) >= 2 && t.Equal(slices.Concat(s[:1], s[2:])):
	default:
		l.err = fmt.Errorf("labels of shape %v do not fit output %q of shape %v: cross-entropy needs one class index for each position", t, l.output.Name, s)
		return nil
	}
	l.terms = t.Elems()
	loss := l.op("SoftmaxCrossEntropyLoss", graph.MakeAttrs("reduction", "mean", "ignore_index", IgnoreIndex), scores, label)
	if l.smoothing == 0 {
		return loss
	}
	// The smoothed target puts smoothing/classes on every class.
	uniform := l.op("Neg", nil, l.mean(l.op("LogSoftmax", graph.MakeAttrs("axis", 1), scores)))
	return l.op("Add", nil, l.op("Mul", nil, loss, l.scalar(1-l.smoothing)), l.op("Mul", nil, uniform, l.scalar(l.smoothing)))
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
