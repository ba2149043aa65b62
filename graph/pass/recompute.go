package pass

import (
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
)

// recompute trades time for memory, when asked to, as Chen et al. (2016, arXiv 1604.06174) do: of the forward values that
// gradients read it keeps those on borders between segments of the forward pass; the others are made again from these by
// copies of their nodes, just before the first gradient that reads them. No node is copied twice, so a step takes at most
// one more forward pass.
//
// A copy gives the bits of its original: operator, attributes, types and inputs are the same, and random operators hash seed,
// step and an attribute. Running statistics are updated from the original, values that are read after the run are its as
// well. The pass is the last one, as it goes by the sizes of values.
func recompute(b *Built, o *Options) error {
	if !o.Recompute || len(b.Grads) == 0 {
		return nil
	}
	r, err := newRecomputation(b)
	if err != nil {
		return err
	}
	r.apply(r.choose())
	return nil
}

// apply adds the copies and lets gradients read them.
func (r *recomputation) apply(kept []bool) {
	g := r.g
	copies := make([]*graph.Value, len(g.Values)) // by ID of the original
	taken := map[string]bool{}
	for _, n := range g.Nodes {
		taken[n.Name] = true
	}
	instead := func(in []*graph.Value) []*graph.Value {
		in = slices.Clone(in)
		for i, v := range in {
			if v != nil && copies[v.ID] != nil && !kept[r.root[v.ID]] {
				in[i] = copies[v.ID]
			}
		}
		return in
	}
	var nodes []*graph.Node
	for _, t := range r.order(kept) {
		n := t.node
		switch {
		case t.again:
			c := &graph.Node{Name: n.Name + "/again", Op: n.Op, Attrs: n.Attrs, In: instead(n.In), Out: make([]*graph.Value, len(n.Out)), Origin: n}
			for taken[c.Name] {
				c.Name += "/again"
			}
			taken[c.Name] = true
			for i, v := range n.Out {
				if v != nil {
					c.Out[i] = g.NewValue("", graph.Computed, v.Type)
					copies[v.ID] = c.Out[i]
				}
			}
			n = g.AddNode(c)
		case !t.forward:
			n.In = instead(n.In)
		}
		nodes = append(nodes, n)
	}
	g.Nodes = nodes
}
