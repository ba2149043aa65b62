package graph

import "slices"

// Clone copies the graph's structure; tensors, types and attribute values are shared, as passes replace and never
// change them.
func (g *Graph) Clone() *Graph {
	c := &Graph{Name: g.Name, File: g.File, Opset: g.Opset, Notices: slices.Clone(g.Notices), nextNode: g.nextNode}
	c.Values = make([]*Value, len(g.Values))
	for i, v := range g.Values {
		copied := *v
		copied.Producer = nil
		c.Values[i] = &copied
	}
	mapped := func(vs []*Value) []*Value {
		out := make([]*Value, len(vs))
		for i, v := range vs {
			if v != nil {
				out[i] = c.Values[v.ID]
			}
		}
		return out
	}
	nodes := make(map[*Node]*Node, len(g.Nodes))
	for _, n := range g.Nodes {
		copied := *n
		copied.In, copied.Out = mapped(n.In), mapped(n.Out)
		for _, v := range copied.Out {
			if v != nil {
				v.Producer = &copied
			}
		}
		if n.Origin != nil && nodes[n.Origin] != nil {
			copied.Origin = nodes[n.Origin]
		}
		nodes[n] = &copied
		c.Nodes = append(c.Nodes, &copied)
	}
	c.Inputs, c.Outputs = mapped(g.Inputs), mapped(g.Outputs)
	for _, u := range g.Updates {
		c.Updates = append(c.Updates, Update{c.Values[u.State.ID], c.Values[u.Value.ID]})
	}
	return c
}
