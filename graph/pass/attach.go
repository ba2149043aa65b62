package pass

import (
	"fmt"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/internal/names"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// attachLoss adds the weighted sum of the losses to the graph.
func attachLoss(b *Built, o *Options) error {
	g := b.Graph
	if o.Loss.Kind == "none" {
		var err error
		b.Output, err = PickOutput(g, o.Loss.Output)
		return err
	}
	var total *graph.Value
	var looked []*graph.Value
	all := o.Loss.All()
	for i, l := range all {
		if len(all) > 1 && (l.Kind == "" || l.Kind == "auto") {
			// Which labels there are must be known without a look at the graph.
			output, err := PickOutput(g, l.Output)
			if err != nil {
				return err
			}
			l.Kind = chooseLoss(output, l.Label)
		}
		loss, err := b.attach(l, i)
		if err != nil {
			return err
		}
		if l.Weight != 0 && l.Weight != 1 {
			loss, err = calculate(g, "Mul", loss, likeScalar(g, loss, l.Weight))
		}
		if err == nil && total != nil {
			loss, err = calculate(g, "Add", total, loss)
		}
		if err != nil {
			return err
		}
		total = loss
		looked = append(looked, b.Output)
	}
	b.Loss, b.Output, b.Label = total, looked[0], b.Labels[0]
	if len(looked) > 1 {
		// Means over different terms are added: what is left to count is examples.
		b.LossTerms = looked[0].Type.Shape[:min(1, len(looked[0].Type.Shape))].Elems()
	}
	g.Outputs = looked
	if !slices.Contains(looked, total) {
		g.Outputs = append(looked, total)
	}
	return nil
}

// attach adds one loss, the i-th, and leaves in b what it looks at.
func (b *Built) attach(o Loss, i int) (*graph.Value, error) {
	g := b.Graph
	output, err := PickOutput(g, o.Output)
	if err != nil {
		return nil, err
	}
	if o.Kind == "" || o.Kind == "auto" || o.Kind == ModelLoss {
		own, err := FindLoss(g, o.Output)
		if err != nil {
			return nil, err
		}
		if own == nil && o.Kind == ModelLoss {
			return nil, fmt.Errorf("output %q is %v and no loss; a loss is one number", output.Name, output.Type)
		}
		if own != nil {
			return b.attachOwn(own)
		}
	}
	kind := o.Kind
	if kind == "" || kind == "auto" {
		kind = chooseLoss(output, o.Label)
	}
	build, ok := losses[kind]
	if !ok {
		return nil, fmt.Errorf("unknown loss %q; did you mean %q? (there are: %v)", kind, names.Nearest(kind, Losses()), Losses())
	}
	if !output.Type.DType.IsFloat() {
		return nil, fmt.Errorf("output %q is %v; a loss needs floating point", output.Name, output.Type)
	}
	if before := beforeActivation(kind, output); before != nil {
		g.Notice("output %q is a %v: the %s loss is taken on its input, %q", output.Name, output.Producer.Op.Type, kind, before.Name)
		output = before
	}
	l := &lossBuilder{g: g, output: output, smoothing: o.Smoothing}
	name := LabelInput
	if i > 0 {
		name += "." + o.Output
	}
	l.label = g.NewValue(name, graph.Input, o.Label)
	g.Inputs = append(g.Inputs, l.label)
	loss := build(l)
	if l.err != nil {
		return nil, l.err
	}
	b.add(output, l.label, kind, l.terms)
	return loss, nil
}

// add notes what a loss looks at.
func (b *Built) add(output, label *graph.Value, kind string, terms int) {
	b.Output, b.Label = output, label
	b.Labels = append(b.Labels, label)
	if b.LossTerms = terms; b.LossKind != "" {
		b.LossKind += "+"
	}
	b.LossKind += kind
}

// PickOutput finds an output of the graph; "" is the first.
func PickOutput(g *graph.Graph, name string) (*graph.Value, error) {
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

// beforeActivation is the input of the activation that the model ends in, where the loss applies it itself: Softmax,
// LogSoftmax or the Log of a Softmax before cross-entropy, Sigmoid before binary cross-entropy.
func beforeActivation(kind string, output *graph.Value) *graph.Value {
	switch {
	case kind == "ce" && producedBy(output, "Log") && producedBy(output.Producer.In[0], "Softmax"):
		return output.Producer.In[0].Producer.In[0]
	case kind == "ce" && (producedBy(output, "Softmax") || producedBy(output, "LogSoftmax")),
		kind == "bce" && producedBy(output, "Sigmoid"):
		return output.Producer.In[0]
	}
	return nil
}

// calculate appends an ai.onnx node of one output without attributes.
func calculate(g *graph.Graph, typ string, in ...*graph.Value) (*graph.Value, error) {
	out, err := op.Build(g, nil, "", typ, nil, 1, in...)
	return out[0], err
}

// likeScalar is a constant of rank 0 with the type of like.
func likeScalar(g *graph.Graph, like *graph.Value, x float64) *graph.Value {
	t := tensor.New(like.Type.DType)
	t.SetFloat64s([]float64{x})
	return g.NewConst("", t)
}
