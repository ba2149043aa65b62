package onnxgo

import (
	"slices"

	"gonum.org/v1/gonum/graph"
	"gonum.org/v1/gonum/graph/iterator"
)

// edge leads from a result to an operand, whose place among the operands is the weight.
type edge struct {
	from, to graph.Node
	weight   float64
}

func (e edge) From() graph.Node         { return e.from }
func (e edge) To() graph.Node           { return e.to }
func (e edge) Weight() float64          { return e.weight }
func (e edge) ReversedEdge() graph.Edge { return edge{e.to, e.from, e.weight} }

// NewWeightedEdge implements graph.WeightedEdgeAdder.
func (b *Backend) NewWeightedEdge(from, to graph.Node, weight float64) graph.WeightedEdge {
	return edge{from, to, weight}
}

// SetWeightedEdge implements graph.WeightedEdgeAdder: the node that e leads to becomes an operand of the operator that is
// applied next. The same node may be there several times, so that this is no simple graph.
func (b *Backend) SetWeightedEdge(e graph.WeightedEdge) {
	from, to := e.From().ID(), b.Node(e.To().ID())
	place := int(e.Weight())
	if to == nil || b.Node(from) == nil || place != len(b.inputs[from]) {
		panic("onnxgo: an edge between nodes that are not there, or not the next operand")
	}
	b.inputs[from] = append(b.inputs[from], to.(*Node))
}

// operands are what a result is computed from, each once.
func (b *Backend) operands(id int64) []graph.Node {
	var list []graph.Node
	add := func(in []*Node) {
		for _, n := range in {
			if !slices.Contains(list, graph.Node(n)) {
				list = append(list, n)
			}
		}
	}
	add(b.inputs[id])
	for _, c := range b.calls {
		if slices.ContainsFunc(c.out, func(n *Node) bool { return n.id == id }) {
			add(c.in)
		}
	}
	return list
}

// Nodes implements graph.Graph.
func (b *Backend) Nodes() graph.Nodes {
	list := make([]graph.Node, len(b.nodes))
	for i, n := range b.nodes {
		list[i] = n
	}
	return iterator.NewOrderedNodes(list)
}

// From implements graph.Graph: the operands of a result.
func (b *Backend) From(id int64) graph.Nodes { return iterator.NewOrderedNodes(b.operands(id)) }

// To implements graph.Directed: the results that a node is an operand of.
func (b *Backend) To(id int64) graph.Nodes {
	var list []graph.Node
	for _, n := range b.nodes {
		if b.HasEdgeFromTo(n.id, id) {
			list = append(list, n)
		}
	}
	return iterator.NewOrderedNodes(list)
}

// HasEdgeFromTo implements graph.Directed.
func (b *Backend) HasEdgeFromTo(uid, vid int64) bool {
	return slices.ContainsFunc(b.operands(uid), func(n graph.Node) bool { return n.ID() == vid })
}

// HasEdgeBetween implements graph.Graph.
func (b *Backend) HasEdgeBetween(xid, yid int64) bool {
	return b.HasEdgeFromTo(xid, yid) || b.HasEdgeFromTo(yid, xid)
}

// Edge implements graph.Graph.
func (b *Backend) Edge(uid, vid int64) graph.Edge {
	if !b.HasEdgeFromTo(uid, vid) {
		return nil
	}
	return edge{b.Node(uid), b.Node(vid), 0}
}
