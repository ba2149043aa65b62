package onnxload

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/onnxload/internal/onnxpb"
)

// maxCaptures bounds the values that subgraphs take from around them, counted once in every subgraph.
const maxCaptures = 1 << 18

// capturing finds what subgraphs read from around them.
type capturing struct {
	free  map[*onnxpb.NodeProto][]string
	count int
}

// graph notes the captures of a graph's nodes and returns what the graph itself reads from around it, each name once, in
// order of first use.
func (c *capturing) graph(g *onnxpb.GraphProto) ([]string, error) {
	own := map[string]bool{"": true}
	for _, name := range definitions(g) {
		own[name] = true
	}
	var free []string
	read := func(names []string) {
		for _, name := range names {
			if !own[name] {
				own[name] = true
				free = append(free, name)
			}
		}
	}
	for _, n := range g.Node {
		read(n.Input)
		names, err := c.node(n)
		if err != nil {
			return nil, fmt.Errorf("node %q (%s): %w", n.GetName(), n.GetOpType(), err)
		}
		read(names)
	}
	for _, o := range g.Output {
		read([]string{o.GetName()})
	}
	return free, nil
}

func (c *capturing) node(n *onnxpb.NodeProto) ([]string, error) {
	var names []string
	seen, graphs := map[string]bool{}, 0
	for _, a := range n.Attribute {
		for _, g := range attributeGraphs(a) {
			graphs++
			free, err := c.graph(g)
			if err != nil {
				return nil, err
			}
			for _, name := range free {
				if !seen[name] {
					seen[name] = true
					names = append(names, name)
				}
			}
		}
	}
	if c.count += graphs * len(names); c.count > maxCaptures {
		return nil, fmt.Errorf("its subgraphs read %d values from around them, which is too many", len(names))
	}
	if names != nil {
		c.free[n] = names
	}
	return names, nil
}
