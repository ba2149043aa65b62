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
	// DType is the precision of floating point: Invalid and Float32 leave the graph as it is, Float64 makes it compute in
	// float64 throughout, BFloat16 stores activations and their gradients in bf16.
	DType tensor.DType
	// Freeze makes a parameter a constant, and Train, where given, every parameter but those it is true for.
	Freeze, Train func(name string) bool
	// BatchNorm says what BatchNormalization takes in training: BatchNormAuto, BatchNormTrain or BatchNormFrozen.
	BatchNorm string
	// UnfoldBatchNorm puts a BatchNormalization after the convolutions of an inference export; see Unfolded.
	UnfoldBatchNorm bool
	// Recompute makes values of the forward pass again for gradients instead of keeping them, which takes less memory and
	// more time.
	Recompute bool
	// Weights, of an earlier build of the model, says which initializers are weights, where they may have changed since:
	// new values do not make something else of them.
	Weights map[string]bool
	// AllowUnused makes a weight that does not reach the loss a notice instead of an error.
	AllowUnused bool
	// After sees the graph after each pass; returning false stops there, with ErrStopped.
	After func(pass string, g *graph.Graph) bool
}

// trains reports whether Freeze and Train leave a parameter to be trained.
func (o *Options) trains(name string) bool {
	return (o.Freeze == nil || !o.Freeze(name)) && (o.Train == nil || o.Train(name))
}

// Built is a graph ready for a backend and the values that a trainer needs of it.
type Built struct {
	Graph *graph.Graph
	// Output is what the loss looks at: logits rather than probabilities where the model ends in a softmax.
	Output *graph.Value
	Loss   *graph.Value // scalar; nil without a loss
	// Label is the input that the loss compares with, added by it or the model's own; nil without a loss, or when a loss
	// that the model computes has no input for labels. Labels are those of all losses.
	Label  *graph.Value
	Labels []*graph.Value
	// LossKind is the loss that was chosen, and LossTerms the number of terms that it averages over.
	LossKind  string
	LossTerms int
	// FileBatch is the batch size that the file fixes when another one was asked for, and 0 otherwise.
	FileBatch int
	batch     int // the one that was asked for then
	// Unfolded are the layers that Options.UnfoldBatchNorm made.
	Unfolded []Unfolded
	// RNG is the int64 input [seed, step] of random operators, nil when there are none.
	RNG    *graph.Value
	Params []*graph.Value
	Grads  []*graph.Value // of Params, when training
	// Weights are the names of the initializers that were taken for weights: of Params, and of those that do not reach the
	// loss or are frozen.
	Weights map[string]bool

	folds *folding
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
	{"weights", weights},
	{"unfold", unfold},
	{"classify", classify},
	{"precision", precision},
	{"batch", fixBatch},
	{"infer", infer},
	{"recognise", recognise},
	{"form", form},
	{"random", random},
	{"loss", attachLoss},
	{"reach", reach},
	{"attention", attention},
	{"bias", bias},
	{"fuse", fuse},
	{"gradient", gradient},
	{"clean", clean},
	{"narrow", narrow},
	{"recompute", recompute},
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
