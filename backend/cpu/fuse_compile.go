package cpu

import (
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Fuse compiles, of nodes in topological order, those between what arrays hold before and after. All else that they read
// must be single numbers, which the caller computes. Arrays are float32 and of one shape. The error of a node that does
// not work element by element on that shape, or has no kernel that could be fused, names it.
func Fuse(nodes []*graph.Node, arrays []Array) (*Fused, error) {
	c := &fuser{Fused: &Fused{arrays: len(arrays)}, out: make([]*graph.Value, len(arrays)),
		vectors: map[*graph.Value]bool{}, reads: map[*graph.Value]int{}, at: map[*graph.Value]place{},
		sums: map[*graph.Node][2]term{}, absorbed: map[*graph.Node]bool{}}
	if err := c.readArrays(arrays); err != nil {
		return nil, err
	}
	if err := c.choose(nodes, arrays); err != nil {
		return nil, err
	}
	if err := c.number(); err != nil {
		return nil, err
	}
	ends := c.keepMoved()
	c.findSums()
	for _, n := range c.nodes {
		if c.absorbed[n] {
			continue
		}
		if sum, ok := c.sums[n]; ok {
			c.compileSum(n, sum)
		} else if err := c.compile(n); err != nil {
			return nil, graph.At(n, err)
		}
	}
	for i, v := range c.out {
		if v != nil && ends[i] < 0 {
			ends[i] = c.at[v].index
		}
	}
	for i, from := range ends {
		if from >= 0 && from != i {
			c.copies(i, from)
		}
	}
	c.block = blockOf(c.arrays + c.temps)
	return c.Fused, nil
}

// fuser is a Fused in the making.
type fuser struct {
	*Fused
	shape   tensor.Shape
	in, out []*graph.Value // of arrays; nil: none
	vectors map[*graph.Value]bool
	nodes   []*graph.Node
	reads   map[*graph.Value]int // by nodes to come and as what arrays hold in the end
	at      map[*graph.Value]place
	free    []int // blocks

	sums     map[*graph.Node][2]term
	absorbed map[*graph.Node]bool // products, by sums
}

// place is where a value is: among the blocks, or among the numbers.
type place struct {
	number bool
	index  int
}

// keepMoved copies, before anything is written, what one array holds before and another one after. It returns where each
// array's end comes from, -1 where a node computes it.
func (c *fuser) keepMoved() []int {
	ends := make([]int, len(c.out))
	for i, v := range c.out {
		ends[i] = -1
		if k := slices.Index(c.in, v); v != nil && k >= 0 {
			ends[i] = i
			if k != i {
				ends[i] = c.take()
				c.copies(ends[i], k)
				c.reads[v]--
			}
		}
	}
	return ends
}

func (c *fuser) copies(to, from int) {
	c.code = append(c.code, func(v [][]float32, _ []float32) { copy(v[to], v[from]) })
}

// compile adds a node's instructions.
func (c *fuser) compile(n *graph.Node) error {
	code, err := lower(n)
	if err != nil {
		return err
	}
	in := make([]place, len(n.In))
	for i, v := range n.In {
		switch {
		case c.vectors[v]:
			in[i] = c.at[c.source(v)]
		case v != nil:
			in[i] = c.at[v]
		}
	}
	dst := -1
	if code.several { // the first ones must not write over what the others read
		dst = c.take()
	}
	for _, v := range n.In {
		if c.vectors[v] {
			c.release(c.source(v))
		}
	}
	if dst < 0 {
		dst = c.target(n.Out[0])
	}
	c.at[n.Out[0]] = place{index: dst}
	do, err := code.emit(dst, in)
	c.code = append(c.code, do...)
	return err
}

// compileSum adds the instruction of a sum that stands for its products too.
func (c *fuser) compileSum(n *graph.Node, sum [2]term) {
	for _, t := range sum {
		if t.array == nil {
			continue
		}
		c.release(t.array)
		if t.square {
			c.release(t.array)
		}
	}
	dst := c.target(n.Out[0])
	c.at[n.Out[0]] = place{index: dst}
	c.code = append(c.code, c.add(dst, sum))
}

// target is where a node may write v: the array that holds it in the end if nobody still needs what that held before.
func (c *fuser) target(v *graph.Value) int {
	for i, out := range c.out {
		if out == v && (c.in[i] == nil || c.reads[c.in[i]] == 0) {
			return i
		}
	}
	return c.take()
}

// take finds a free block.
func (c *fuser) take() int {
	if last := len(c.free) - 1; last >= 0 {
		i := c.free[last]
		c.free = c.free[:last]
		return i
	}
	c.temps++
	return len(c.out) + c.temps - 1
}

// release counts a reader of v as served.
func (c *fuser) release(v *graph.Value) {
	c.reads[v]--
	if at := c.at[v].index; c.reads[v] == 0 && at >= len(c.out) {
		c.free = append(c.free, at)
	}
}
