// Package pass turns a model's graph, step by step, into the graph that a backend runs: each pass takes a graph and
// leaves a graph.
package pass

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Options say what to build.
type Options struct {
	// Shapes gives the shape of each input, batch included, by name. An input that is not listed must be static.
	Shapes map[string]tensor.Shape
	// Fixed makes constants of inputs, by name, so that shapes may depend on them.
	Fixed map[string]*tensor.Tensor
	// Training puts BatchNorm and Dropout into training form and adds gradients.
	Training bool
	// Literal leaves BatchNormalization and Dropout in the form that the file has them in. It is not for training.
	Literal bool
	// Loss is attached unless its Kind is "none".
	Loss Loss
	// Tie keeps equal initializers that reach the graph through Identity one parameter.
	Tie bool
	// DType is the precision of floating point: Invalid and Float32 leave the graph as it is.
	DType tensor.DType
	// Freeze makes a parameter a constant.
	Freeze func(name string) bool
	// After sees the graph after each pass; returning false stops there, with ErrStopped.
	After func(pass string, g *graph.Graph) bool
}

// Built is a graph ready for a backend and the values that a trainer needs of it.
type Built struct {
	Graph *graph.Graph
	// Output is what the loss looks at: logits rather than probabilities where the model ends in a softmax.
	Output *graph.Value
	Loss   *graph.Value // scalar; nil without a loss
	Label  *graph.Value // the input that the loss adds; nil without a loss
	// LossKind is the loss that was chosen, and LossTerms the number of terms that it averages over.
	LossKind  string
	LossTerms int
	// RNG is the int64 input [seed, step] of random operators, nil when there are none.
	RNG    *graph.Value
	Params []*graph.Value
	Grads  []*graph.Value // of Params, when training
}

// ErrStopped is returned when Options.After asked to stop.
var ErrStopped = fmt.Errorf("stopped after the pass asked for")

type step struct {
	name string
	run  func(*Built, *Options) error
}

// Passes are the names of the passes in the order they run, for inspect --after.
func Passes() []string {
	var names []string
	for _, s := range steps {
		names = append(names, s.name)
	}
	return names
}

var steps = []step{
	{"bind", bind},
	{"resolve", resolve},
	{"classify", classify},
	{"precision", precision},
	{"infer", infer},
	{"recognise", recognise},
	{"form", form},
	{"random", random},
	{"loss", attachLoss},
	{"reach", reach},
	{"gradient", gradient},
	{"clean", clean},
}

// Build runs the passes over g, which it changes.
func Build(g *graph.Graph, o Options) (*Built, error) {
	b := &Built{Graph: g}
	for _, s := range steps {
		if err := s.run(b, &o); err != nil {
			return nil, err
		}
		if o.After != nil && !o.After(s.name, g) {
			return b, ErrStopped
		}
	}
	return b, nil
}
