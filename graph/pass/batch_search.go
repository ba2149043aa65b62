package pass

import (
	"fmt"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
)

// search infers node by node and goes back to the last choice when a node does not fit.
func (r *rebatch) search() error {
	type choice struct {
		node int
		next int // option to take next
	}
	var open []choice
	var deepest error
	reached, option := -1, 0
	for i, retries := 0, 0; i < len(r.try.Nodes); {
		more, err := r.node(i, option)
		if err == nil {
			if more {
				open = append(open, choice{i, option + 1})
			}
			i, option = i+1, 0
			continue
		}
		if i > reached {
			reached, deepest = i, err
		}
		if retries++; len(open) == 0 || retries > maxBatchRetries {
			return deepest
		}
		last := open[len(open)-1]
		open = open[:len(open)-1]
		i, option = last.node, last.next
	}
	return nil
}

// node infers node i, a Reshape in one of the readings that it leaves; more says that there are further ones.
func (r *rebatch) node(i, option int) (more bool, err error) {
	n := r.try.Nodes[i]
	n.In = slices.Clone(r.inputs[i])
	r.changes[i] = nil
	for _, v := range n.Out {
		if v != nil {
			if v.Init != nil {
				r.folding.left += len(v.Init.Data)
			}
			v.Kind, v.Init, v.Producer, v.Type = graph.Computed, nil, n, graph.Type{}
		}
	}
	switch n.Op.Type {
	case "Reshape":
		if more, err = r.reshape(i, n, option); err != nil {
			return false, err
		}
	case "Expand":
		if err := r.alignExpand(i, n); err != nil {
			return false, err
		}
	default:
		if err := r.alignOperands(i, n); err != nil {
			return false, err
		}
	}
	if _, err := r.folding.node(n); err != nil {
		return more, err
	}
	for _, v := range n.Out {
		if v == nil {
			continue
		}
		if err := r.scaled(v); err != nil {
			return more, graph.At(n, err)
		}
		if n.Op.Type != "Reshape" || r.axis(n.In[0]) < 0 {
			r.outer[v.ID] = r.outerOf(n)
		}
	}
	return more, nil
}

// scaled checks that a value has the batch at most once.
func (r *rebatch) scaled(v *graph.Value) error {
	was, is := r.file[v.ID].Shape, v.Type.Shape
	count := 0
	for k := range is {
		if len(was) != len(is) || is[k] != was[k] && is[k]*r.from != was[k]*r.to {
			return fmt.Errorf("%q would become %v, which is not %v for another batch", v.Name, is, was)
		}
		if is[k] != was[k] {
			count++
		}
	}
	if count > 1 {
		return fmt.Errorf("%q would become %v, with the batch in %d dimensions", v.Name, is, count)
	}
	return nil
}

// axis is the dimension of a value that scales with the batch, -1 for none.
func (r *rebatch) axis(v *graph.Value) int {
	if v == nil || v.ID >= len(r.file) {
		return -1
	}
	for k, d := range v.Type.Shape {
		if k < len(r.file[v.ID].Shape) && d != r.file[v.ID].Shape[k] {
			return k
		}
	}
	return -1
}

// outerOf is the factor before the batch in a node's outputs: that of the first input with a batch.
func (r *rebatch) outerOf(n *graph.Node) int {
	for _, v := range n.In {
		if r.axis(v) >= 0 {
			return r.outer[v.ID]
		}
	}
	return 1
}
