package pass

import (
	"fmt"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

// subgraphs lists the subgraphs of a node.
func subgraphs(n *graph.Node) []*graph.Graph {
	var list []*graph.Graph
	for _, a := range n.Attrs {
		if sub, ok := a.Value.(*graph.Graph); ok {
			list = append(list, sub)
		}
	}
	return list
}

// resolvable reports the operators in a node's subgraphs that are not supported. Branches of an If are left out: which of
// them runs is not known yet.
func resolvable(n *graph.Node, report func(*graph.Node, error)) {
	if n.Op.Type == "If" {
		return
	}
	for _, sub := range subgraphs(n) {
		for _, m := range sub.Nodes {
			if Expands(m.Op) {
				resolvable(m, report)
			} else if _, err := op.Resolve(m.Op.Domain, m.Op.Type, m.Op.Since); err != nil {
				report(m, err)
			}
		}
	}
}

// captures remembers, for subgraphs, the values that stand for values around them: inputs that are not among Inputs.
// They are the same for all subgraphs of a node, whose last inputs they are.
type captures map[*graph.Graph][]*graph.Value

func (c captures) of(sub *graph.Graph) []*graph.Value {
	list, known := c[sub]
	if known {
		return list
	}
	formal := map[*graph.Value]bool{}
	for _, v := range sub.Inputs {
		formal[v] = true
	}
	for _, v := range sub.Values {
		if v.Kind == graph.Input && !formal[v] {
			list = append(list, v)
		}
	}
	c[sub] = list
	return list
}

// split divides a node's inputs into its own and those that its subgraph captures.
func (c captures) split(n *graph.Node, sub *graph.Graph) (own, captured []*graph.Value) {
	at := len(n.In) - len(c.of(sub))
	return n.In[:at], n.In[at:]
}

// check reports subgraphs that capture more than their node has inputs.
func (c captures) check(n *graph.Node) error {
	for _, sub := range subgraphs(n) {
		if len(c.of(sub)) > len(n.In) {
			return fmt.Errorf("its subgraph %q captures %d values, and it has %d inputs", sub.Name, len(c.of(sub)), len(n.In))
		}
	}
	return nil
}

// standsFor is the value of a subgraph that input i of its node becomes; nil for others, such as a trip count.
func (c captures) standsFor(n *graph.Node, i int, sub *graph.Graph) *graph.Value {
	list := c.of(sub)
	if k := i - (len(n.In) - len(list)); k >= 0 {
		return list[k]
	}
	switch {
	case n.Op.Type == "If":
		return nil
	case n.Op.Type == "Scan" && n.Op.Since < 9:
		i--
	}
	if i < 0 || i >= len(sub.Inputs) {
		return nil
	}
	return sub.Inputs[i]
}

// gradients tells which inputs of nodes have a gradient, through subgraphs too.
type gradients struct {
	captures captures
	reads    map[*graph.Graph][]bool // of a subgraph's values, by ID: whether a node reads it where it has a gradient
}

func newGradients() *gradients {
	return &gradients{captures: captures{}, reads: map[*graph.Graph][]bool{}}
}

// input reports whether input i of a node has a gradient. An operator that is not supported has none: it may be in a
// branch that is never taken.
func (g *gradients) input(n *graph.Node, i int) bool {
	if !Expands(n.Op) {
		def, err := op.Resolve(n.Op.Domain, n.Op.Type, n.Op.Since)
		return err == nil && def.Grad != nil && !slices.Contains(def.NoGrad, i)
	}
	if g.captures.check(n) != nil {
		return false
	}
	own := len(n.In)
	for _, sub := range subgraphs(n) {
		own = len(n.In) - len(g.captures.of(sub))
		if v := g.captures.standsFor(n, i, sub); v != nil && g.of(sub)[v.ID] {
			return true
		}
	}
	e := expansionOf(n.Op)
	return i < own && !e.passes && !slices.Contains(e.noGrad, i)
}

func (g *gradients) of(sub *graph.Graph) []bool {
	if reads, known := g.reads[sub]; known {
		return reads
	}
	reads := make([]bool, len(sub.Values))
	for _, n := range sub.Nodes {
		for i, v := range n.In {
			if v != nil && !reads[v.ID] {
				reads[v.ID] = g.input(n, i)
			}
		}
	}
	g.reads[sub] = reads
	return reads
}
