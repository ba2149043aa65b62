package pass

import (
	"slices"
	"strings"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

// ModelLoss is the kind of a loss that the model computes itself.
const ModelLoss = "model"

// OwnLoss is a loss that a model computes itself.
type OwnLoss struct {
	Loss   *graph.Value // one number, or one for each label when the operator does not reduce
	Scores *graph.Value // what it compares with the label, nil when that is not known
	Label  *graph.Value // the graph's input that it compares with, nil when that is not known
}

// labelNames are what inputs with labels are called where the graph does not tell.
var labelNames = []string{"label", "labels", "target", "targets"}

// FindLoss looks for a loss among the outputs of an inferred graph, or at the one output that is named; nil when there
// is none. A loss is what SoftmaxCrossEntropyLoss or NegativeLogLikelihoodLoss computes, or, as the first output or the
// one named, a number that no example has of its own: one of rank 0, or one called loss.
func FindLoss(g *graph.Graph, output string) (*OwnLoss, error) {
	candidates := g.Outputs
	if output != "" {
		v, err := PickOutput(g, output)
		if err != nil {
			return nil, err
		}
		candidates = []*graph.Value{v}
	}
	for i, v := range candidates {
		if !v.Type.DType.IsFloat() {
			continue
		}
		if n := lossNode(v); n != nil {
			return &OwnLoss{Loss: v, Scores: n.In[0], Label: labelBehind(n.In[1])}, nil
		}
		if i == 0 && (len(v.Type.Shape) == 0 || strings.Contains(strings.ToLower(v.Name), "loss") && v.Type.Shape.Elems() == 1) {
			return &OwnLoss{Loss: v, Label: namedLabel(g)}, nil
		}
	}
	return nil, nil
}

// lossNode is the loss operator that v comes from, possibly weighted or reshaped.
func lossNode(v *graph.Value) *graph.Node {
	for v.Producer != nil {
		n := v.Producer
		switch n.Op.Type {
		case "SoftmaxCrossEntropyLoss", "NegativeLogLikelihoodLoss":
			if n.Op.Domain == "" && n.Out[0] == v {
				return n
			}
			return nil
		case "Identity", "Reshape", "Squeeze", "Unsqueeze", "Cast", "ReduceMean", "ReduceSum":
			v = n.In[0]
		default:
			return nil
		}
	}
	return nil
}

// labelBehind is the input that labels come from, through what changes only how they are laid out.
func labelBehind(v *graph.Value) *graph.Value {
	for v.Producer != nil {
		switch v.Producer.Op.Type {
		case "Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Cast", "Transpose", "Slice":
			v = v.Producer.In[0]
		default:
			return nil
		}
	}
	if v.Kind != graph.Input {
		return nil
	}
	return v
}

func namedLabel(g *graph.Graph) *graph.Value {
	for _, v := range g.Inputs {
		if slices.Contains(labelNames, strings.ToLower(v.Name)) {
			return v
		}
	}
	return nil
}

// attachOwn takes a loss that the model computes; one that is not a single number is averaged.
func (b *Built) attachOwn(own *OwnLoss) (*graph.Value, error) {
	g, loss := b.Graph, own.Loss
	if len(loss.Type.Shape) > 0 {
		out, err := op.Build(g, nil, "", "ReduceMean", graph.MakeAttrs("keepdims", 0), 1, loss)
		if err != nil {
			return nil, err
		}
		loss = out[0]
	}
	output, terms := own.Loss, 1
	if own.Scores != nil {
		output = own.Scores
	}
	switch {
	case own.Label != nil:
		terms = own.Label.Type.Shape.Elems()
	case len(g.Inputs) > 0 && len(g.Inputs[0].Type.Shape) > 0:
		terms = g.Inputs[0].Type.Shape[0]
	}
	g.Notice("output %q is a loss and is trained on as it is", own.Loss.Name)
	b.add(output, own.Label, ModelLoss, terms)
	return loss, nil
}
