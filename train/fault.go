package train

import (
	"errors"
	"strings"

	"github.com/onnxtrain/onnxtrain/backend"
	"github.com/onnxtrain/onnxtrain/graph"
)

// fault makes the error of a run a failure. At a node, its operator does not take the values that it was given: the data are to
// blame when they alone decide the node's integers, such as the indices of an embedding or the labels of a loss, and the model
// when it computes them out of weights or takes none.
func (p *Program) fault(err error) error {
	n := refusing(err)
	if n == nil {
		return fail(Internal, err)
	}
	if array := p.decides(n); array != "" {
		return failf(BadData, "%w; array %q of the data decides what the node is given", err, array)
	}
	return fail(BadModel, err)
}

// updateFault makes the error of an update a failure. An optimizer's own graph never sees the data: when a node of it refuses
// its values, the optimizer is not one to train with.
func updateFault(err error) error {
	switch {
	case errors.Is(err, backend.ErrPanic):
		return fail(Internal, err)
	case refusing(err) != nil:
		return fail(Usage, err)
	}
	return fail(Diverged, err)
}

// refusing is the node whose operator does not take the values that it was given, nil for any other error.
func refusing(err error) *graph.Node {
	var at *graph.Error
	if !errors.As(err, &at) || errors.Is(err, backend.ErrPanic) {
		return nil
	}
	return at.Node
}

// decides is the first array of the batch behind the integers that a node reads, "" when there is none or when parameters,
// running statistics or random numbers have a part in them.
func (p *Program) decides(n *graph.Node) string {
	var open []*graph.Value
	for _, v := range n.In {
		if v != nil && v.Type.DType.IsInt() {
			open = append(open, v)
		}
	}
	array := ""
	for seen := map[*graph.Value]bool{}; len(open) > 0; {
		v := open[len(open)-1]
		open = open[:len(open)-1]
		if v == nil || seen[v] {
			continue
		}
		seen[v] = true
		switch {
		case v.Producer != nil:
			open = append(open, v.Producer.In...)
		case v.Kind == graph.Param || v.Kind == graph.State || v == p.Built.RNG:
			return ""
		case v.Kind == graph.Input && array == "":
			array = strings.TrimPrefix(v.Name, "onnxtrain.")
		}
	}
	return array
}
