package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

// term is a part of a sum: a number, or an array, or its squares, that may have a number as a factor.
type term struct {
	array, factor, number *graph.Value
	square                bool
	sign                  float32
}

// findSums marks additions that take products with numbers in the same pass, and the products. These are rounded as on
// their own, so the results are the same bits.
func (c *fuser) findSums() {
	for _, n := range c.nodes {
		if n.Op.Domain != "" || n.Op.Type != "Add" && n.Op.Type != "Sub" {
			continue
		}
		x, y := c.term(n.In[0]), c.term(n.In[1])
		if n.Op.Type == "Sub" {
			y.sign = -1
		}
		if x.factor == nil && y.factor == nil {
			continue
		}
		c.absorb(n, 0, x.factor)
		c.absorb(n, 1, y.factor)
		if x.factor == nil {
			x, y = y, x
		}
		// Loops know squares in one of two arrays.
		if y.array != nil {
			if x = c.squared(x); !x.square {
				y = c.squared(y)
			}
		}
		c.sums[n] = [2]term{x, y}
	}
}

// term is what v adds to a sum.
func (c *fuser) term(v *graph.Value) term {
	if !c.vectors[v] {
		return term{number: v, sign: 1}
	}
	t := term{array: c.source(v), sign: 1}
	p := c.product(t)
	switch {
	case p == nil || c.vectors[p.In[0]] && c.vectors[p.In[1]]:
	case c.vectors[p.In[0]]:
		t.array, t.factor = c.source(p.In[0]), p.In[1]
	default:
		t.array, t.factor = c.source(p.In[1]), p.In[0]
	}
	return t
}

// product is the multiplication that makes a term if nobody else reads it.
func (c *fuser) product(t term) *graph.Node {
	p := t.array.Producer
	if p == nil || c.reads[t.array] != 1 || p.Op.Domain != "" || p.Op.Type != "Mul" {
		return nil
	}
	return p
}

// absorb drops the product that makes input i of a sum, which has the factor.
func (c *fuser) absorb(n *graph.Node, i int, factor *graph.Value) {
	if factor != nil {
		c.absorbed[c.source(n.In[i]).Producer] = true
	}
}

// squared takes a square into the sum.
func (c *fuser) squared(t term) term {
	p := c.product(t)
	if t.factor == nil || p == nil || !c.vectors[p.In[0]] || c.source(p.In[0]) != c.source(p.In[1]) {
		return t
	}
	c.absorbed[p] = true
	t.array, t.square = c.source(p.In[0]), true
	return t
}

// scale is a number times a sign, or the sign alone.
type scale struct {
	at   int // -1: none
	sign float32
}

func (k scale) of(s []float32) float32 {
	if k.at < 0 {
		return k.sign
	}
	return k.sign * s[k.at]
}

func (c *fuser) scale(number *graph.Value, sign float32) scale {
	if number == nil {
		return scale{-1, sign}
	}
	return scale{c.at[number].index, sign}
}

// add is the instruction of a sum whose first term is a product.
func (c *fuser) add(dst int, sum [2]term) instruction {
	x, y := sum[0], sum[1]
	a, i := c.scale(x.factor, x.sign), c.at[x.array].index
	if y.array == nil {
		b := c.scale(y.number, y.sign)
		return func(v [][]float32, s []float32) { linalg.ScaleAdd(v[dst], v[i], a.of(s), b.of(s)) }
	}
	b, k := c.scale(y.factor, y.sign), c.at[y.array].index
	switch {
	case x.square:
		return func(v [][]float32, s []float32) { linalg.MixSquare(v[dst], b.of(s), v[k], a.of(s), v[i]) }
	case y.square:
		return func(v [][]float32, s []float32) { linalg.MixSquare(v[dst], a.of(s), v[i], b.of(s), v[k]) }
	case y.factor == nil && y.sign == 1:
		return func(v [][]float32, s []float32) { linalg.AddScaled(v[dst], v[k], a.of(s), v[i]) }
	}
	return func(v [][]float32, s []float32) { linalg.Mix(v[dst], a.of(s), v[i], b.of(s), v[k]) }
}
