package cpu

import (
	"fmt"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func (c *fuser) readArrays(arrays []Array) error {
	for i, a := range arrays {
		for _, v := range []*graph.Value{a.In, a.Out} {
			if v == nil {
				continue
			}
			if c.shape == nil {
				c.shape = v.Type.Shape
			}
			if v.Type.DType != tensor.Float32 || !v.Type.Shape.Equal(c.shape) {
				return fmt.Errorf("%q is %v; fused arrays are float32%v", v.Name, v.Type, c.shape)
			}
		}
		c.in = append(c.in, a.In)
		if a.In != nil {
			c.vectors[a.In], c.at[a.In] = true, place{index: i}
		}
	}
	return nil
}

// choose finds the nodes to fuse: of those that read elements the ones that somebody reads.
func (c *fuser) choose(nodes []*graph.Node, arrays []Array) error {
	for _, n := range nodes {
		if !slices.ContainsFunc(n.In, func(v *graph.Value) bool { return c.vectors[v] }) {
			continue
		}
		if len(n.Out) != 1 || n.Out[0] == nil || !n.Out[0].Type.Shape.Equal(c.shape) {
			return graph.Errorf(n, "it does not work element by element on %v", c.shape)
		}
		c.vectors[n.Out[0]] = true
		c.nodes = append(c.nodes, n)
	}
	for i, a := range arrays {
		if a.Out == nil {
			continue
		}
		if !c.vectors[a.Out] {
			return fmt.Errorf("%q is the same for all elements", a.Out.Name)
		}
		c.out[i] = c.source(a.Out)
		c.reads[c.out[i]]++
	}
	for i := len(c.nodes) - 1; i >= 0; i-- {
		n := c.nodes[i]
		if isCopy(n) || c.reads[n.Out[0]] == 0 {
			c.nodes = slices.Delete(c.nodes, i, i+1)
			continue
		}
		for _, v := range n.In {
			if c.vectors[v] {
				c.reads[c.source(v)]++
			}
		}
	}
	return nil
}

// isCopy recognises nodes that change no element, where truth is 1 and 0.
func isCopy(n *graph.Node) bool {
	if n.Op.Domain != "" || n.Op.Type != "Identity" && n.Op.Type != "Cast" {
		return false
	}
	from, to := n.In[0].Type.DType, n.Out[0].Type.DType
	return from == to || from == tensor.Bool && to == tensor.Float32
}

// source follows the copies of an array back.
func (c *fuser) source(v *graph.Value) *graph.Value {
	for v.Producer != nil && c.vectors[v.Producer.Input(0)] && isCopy(v.Producer) {
		v = v.Producer.In[0]
	}
	return v
}

// number gives every number that nodes read its place, the constants first.
func (c *fuser) number() error {
	var consts []*graph.Value
	for _, n := range c.nodes {
		for _, v := range n.In {
			if v == nil || c.vectors[v] || slices.Contains(consts, v) || slices.Contains(c.scalars, v) {
				continue
			}
			if dt := v.Type.DType; v.Type.Shape.Elems() != 1 || dt != tensor.Float32 && dt != tensor.Bool {
				return graph.Errorf(n, "it reads %q, which is %v and neither one of the arrays nor a number", v.Name, v.Type)
			}
			if v.Kind == graph.Const {
				consts = append(consts, v)
				c.consts = append(c.consts, float32(v.Init.Float64s()[0]))
			} else {
				c.scalars = append(c.scalars, v)
			}
		}
	}
	for i, v := range slices.Concat(consts, c.scalars) {
		c.at[v] = place{number: true, index: i}
	}
	return nil
}
