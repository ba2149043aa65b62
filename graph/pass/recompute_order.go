package pass

import (
	"math"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

// recomputation knows, for any choice of forward values to keep, in what order nodes then run and how much memory that takes.
// Slices are by value ID; a choice of values is a slice too, and true for what no forward node makes.
type recomputation struct {
	g       *graph.Graph
	forward int    // as many nodes are of the forward pass
	maker   []int  // the forward node that makes the value, -1 for others
	root    []int  // the value whose memory this one is a view of, itself for most
	size    []int  // bytes of its own memory that the value takes while it lives
	fixed   []bool // roots that stay, whatever is chosen
	needed  []bool // roots that gradients read
	reader  []int  // of roots: the last forward node that reads it, -1 for none
	final   []bool // roots that are read after the run
	last    []int  // of lifetimes
}

// fewer is how many times fewer elements than the largest of its inputs a value has that is kept in any case, such as the
// statistics of a norm.
const fewer = 32

func newRecomputation(b *Built) (*recomputation, error) {
	g := b.Graph
	n := len(g.Values)
	ints := func() []int { return make([]int, n) }
	bools := func() []bool { return make([]bool, n) }
	r := &recomputation{g: g, maker: ints(), root: ints(), size: ints(), fixed: bools(), needed: bools(), reader: ints(), final: bools(),
		last: make([]int, 2*n)}
	r.forward = slices.IndexFunc(g.Nodes, func(n *graph.Node) bool { return n.Origin != nil })
	if r.forward < 0 {
		r.forward = len(g.Nodes)
	}
	for _, v := range g.Values {
		r.maker[v.ID], r.root[v.ID], r.reader[v.ID] = -1, v.ID, -1
		if v.Kind == graph.Computed {
			r.size[v.ID] = v.Type.Shape.Elems() * v.Type.DType.Size()
		}
	}
	for i, n := range g.Nodes {
		if err := r.add(i, n); err != nil {
			return nil, err
		}
	}
	r.finish(b)
	return r, nil
}

// add is for every node in order.
func (r *recomputation) add(i int, n *graph.Node) error {
	def, err := op.Of(n)
	if err != nil {
		return err
	}
	if op.IsView(n) {
		r.root[n.Out[0].ID], r.size[n.Out[0].ID] = r.root[n.In[0].ID], 0
	}
	most := 0
	for _, v := range n.In {
		if v == nil {
			continue
		}
		if v.Kind == graph.Computed {
			most = max(most, v.Type.Shape.Elems())
		}
		if i < r.forward {
			r.reader[r.root[v.ID]] = i
		} else {
			r.needed[r.root[v.ID]] = true
		}
	}
	for _, v := range n.Out {
		if v == nil || i >= r.forward {
			continue
		}
		r.maker[v.ID] = i
		if root := r.root[v.ID]; root == v.ID && v.Type.Shape.Elems()*fewer <= most {
			r.fixed[root] = true
		}
		// What an operator of the standard draws goes by its node's name.
		if def.Random && n.Op.Domain != op.Internal {
			r.fixed[r.root[v.ID]] = true
		}
	}
	return nil
}

// finish marks what is read after the run and what is not made by the forward pass.
func (r *recomputation) finish(b *Built) {
	final := slices.Concat([]*graph.Value{b.Loss, b.Output}, b.Grads, r.g.Outputs)
	for _, u := range r.g.Updates {
		final = append(final, u.Value)
	}
	for _, v := range final {
		if v != nil {
			r.final[r.root[v.ID]], r.fixed[r.root[v.ID]] = true, true
		}
	}
	for id := range r.fixed {
		r.fixed[id] = r.fixed[id] || r.maker[id] < 0
	}
}

// turn is that of a node.
type turn struct {
	node    *graph.Node
	forward bool // the node is of the forward pass
	again   bool // its copy is meant
}

// order is what runs when the forward values in kept are, and the others made again for gradients.
func (r *recomputation) order(kept []bool) []turn {
	turns := make([]turn, 0, len(r.g.Nodes)+r.forward)
	copied := make([]bool, r.forward)
	var missing []int
	var want func(n *graph.Node)
	want = func(n *graph.Node) {
		for _, v := range n.In {
			if v == nil || kept[r.root[v.ID]] {
				continue
			}
			if i := r.maker[v.ID]; i >= 0 && !copied[i] { // a gradient may make a view of a forward value
				copied[i] = true
				want(r.g.Nodes[i])
				missing = append(missing, i)
			}
		}
	}
	for i, n := range r.g.Nodes {
		if i < r.forward {
			turns = append(turns, turn{node: n, forward: true})
			continue
		}
		missing = missing[:0]
		want(n)
		slices.Sort(missing)
		for _, m := range missing {
			turns = append(turns, turn{node: r.g.Nodes[m], forward: true, again: true})
		}
		turns = append(turns, turn{node: n})
	}
	return turns
}

// peak is the most that computed values take at one time, when none is written over another that dies.
func (r *recomputation) peak(kept []bool) int {
	turns := r.order(kept)
	r.lifetimes(turns, kept)
	now, most := 0, 0
	for i, t := range turns {
		unread := 0
		for _, v := range t.node.Out {
			if v == nil {
				continue
			}
			now += r.size[v.ID]
			if r.last[r.made(t, v)] < 0 {
				unread += r.size[v.ID]
			}
		}
		most = max(most, now)
		now -= unread
		for _, v := range t.node.In {
			if v == nil {
				continue
			}
			if at := r.read(t, v, kept); r.last[at] == i {
				now -= r.size[r.root[v.ID]]
				r.last[at] = math.MaxInt // a node may read it twice
			}
		}
	}
	return most
}

// lifetimes sets last to the last turn that reads each value, and behind all of these each copy: -1 for none, the largest
// number for what is read after the run.
func (r *recomputation) lifetimes(turns []turn, kept []bool) {
	for i := range r.last {
		r.last[i] = -1
		if i < len(r.final) && r.final[i] {
			r.last[i] = math.MaxInt
		}
	}
	for i, t := range turns {
		for _, v := range t.node.In {
			if v != nil {
				at := r.read(t, v, kept)
				r.last[at] = max(r.last[at], i)
			}
		}
	}
}

// made is where last has what a turn makes as v.
func (r *recomputation) made(t turn, v *graph.Value) int {
	if t.again {
		return len(r.root) + v.ID
	}
	return v.ID
}

// read is where last has whose memory a turn reads as v.
func (r *recomputation) read(t turn, v *graph.Value, kept []bool) int {
	root := r.root[v.ID]
	if t.forward && !t.again || kept[root] {
		return root
	}
	return len(r.root) + root
}
