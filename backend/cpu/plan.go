package cpu

import (
	"cmp"
	"math"
	"slices"

	"github.com/onnxtrain/onnxtrain/backend"
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

// never is the time after every node.
const never = math.MaxInt32

// block is arena memory that one value, or several that share it, holds while the nodes first to last run.
type block struct {
	size        int
	first, last int
	offset      int
}

// layout says where every value lives.
type layout struct {
	// home is, by value ID, the value whose memory the value shares, itself when it has its own, nil for values that
	// nothing touches.
	home   []*graph.Value
	blocks map[*graph.Value]*block // by home; homes without a block live outside the arena
	order  []*block                // in the order of definition
	arena  int                     // bytes
	naive  int                     // bytes if every value had its own memory
}

func bytesOf(t graph.Type) int { return t.Shape.Elems() * t.DType.Size() }

// sameSize reports as many elements of as many bytes, so that each element of one lies over that of the other.
func sameSize(a, b graph.Type) bool {
	return a.Shape.Elems() == b.Shape.Elems() && a.DType.Size() == b.DType.Size()
}

// maxPlan keeps sums of sizes far from overflow.
const maxPlan = 1 << 44

// fitsAtAll refuses graphs of which a single node reads and writes more than limit, 0 for none. It comes before kernels are
// chosen: some make tables as large as a node's values to see whether they can run it.
func fitsAtAll(g *graph.Graph, limit int64) error {
	if limit <= 0 || limit > maxPlan {
		limit = maxPlan
	}
	naive := int64(0)
	for _, n := range g.Nodes {
		total := int64(0)
		for i, v := range slices.Concat(n.In, n.Out) {
			if v == nil || external(v) || i < len(n.In) && slices.Contains(n.In[:i], v) {
				continue
			}
			size := int64(bytesOf(v.Type))
			if size > maxPlan {
				return graph.Errorf(n, "%w: %q is %v", backend.ErrTooLarge, v.Name, v.Type)
			}
			total += size
		}
		if total > limit {
			return graph.Errorf(n, "%w: what it reads and writes takes %d bytes, the limit is %d; use a smaller --batch", backend.ErrTooLarge, total, limit)
		}
		if naive += total; naive > 1<<60 {
			return graph.Errorf(n, "%w: all values together are larger than any memory", backend.ErrTooLarge)
		}
	}
	return nil
}

// external reports whether a value lives outside the arena.
func external(v *graph.Value) bool {
	return v.Kind == graph.Param || v.Kind == graph.State || v.Kind == graph.Const
}

// makeLayout gives every value of g a home and every home an offset. chosen is the kernel of each node by index.
func makeLayout(g *graph.Graph, o backend.Options, chosen []*Kernel) *layout {
	l := &layout{home: make([]*graph.Value, len(g.Values)), blocks: map[*graph.Value]*block{}}
	last := lastReads(g, o.Keep)
	for _, v := range g.Values {
		switch {
		case external(v):
			l.home[v.ID] = v
		case v.Kind == graph.Input:
			// Inputs outlive the run, so that one that is not fed again keeps its contents.
			l.own(v, -1, never)
		}
	}
	for i, n := range g.Nodes {
		for k, v := range n.Out {
			if v == nil {
				continue
			}
			share := (*graph.Value)(nil)
			if !o.NoReuse && !o.Reference {
				share = l.shared(n, i, k, chosen[i], last)
			}
			if share == nil {
				l.own(v, i, max(i, last[v.ID]))
				continue
			}
			home := l.home[share.ID]
			l.home[v.ID] = home
			l.naive += align(bytesOf(v.Type))
			if b := l.blocks[home]; b != nil {
				b.last = max(b.last, last[v.ID])
			}
		}
	}
	l.place(o.NoReuse)
	return l
}

// lastReads is, by value ID, the index of the last node that reads each value, -1 for none and never for values that
// are read after the run.
func lastReads(g *graph.Graph, keep []*graph.Value) []int {
	last := make([]int, len(g.Values))
	for i := range last {
		last[i] = -1
	}
	for i, n := range g.Nodes {
		for _, v := range n.In {
			if v != nil {
				last[v.ID] = i
			}
		}
	}
	for _, v := range keep {
		last[v.ID] = never
	}
	for _, v := range g.Outputs {
		last[v.ID] = never
	}
	for _, u := range g.Updates {
		last[u.Value.ID] = never
	}
	return last
}

func (l *layout) own(v *graph.Value, first, last int) {
	b := &block{size: align(bytesOf(v.Type)), first: first, last: last}
	l.home[v.ID] = v
	l.blocks[v] = b
	l.order = append(l.order, b)
	l.naive += b.size
}

// shared is the input of node i whose memory output o takes: a view's source, or an input that dies here and that the kernel
// may overwrite. nil when there is none.
func (l *layout) shared(n *graph.Node, i, o int, k *Kernel, last []int) *graph.Value {
	out := n.Out[o]
	if in := n.Input(0); o == 0 && in != nil && op.IsView(n) {
		// A state changes at Commit, a result read after the run must not.
		if l.home[in.ID].Kind == graph.State && last[out.ID] == never {
			return nil
		}
		return in
	}
	for _, at := range k.over(o) {
		in := n.Input(at)
		if in == nil || !sameSize(in.Type, out.Type) {
			continue
		}
		b := l.blocks[l.home[in.ID]]
		if b != nil && b.last == i && b.size == align(bytesOf(out.Type)) && !l.readTwice(n, at) && !l.taken(n, o, in) {
			return in
		}
	}
	return nil
}

// over are the inputs that output o may lie over.
func (k *Kernel) over(o int) []int {
	if k == nil {
		return nil
	}
	if o == 0 {
		return k.InPlace
	}
	var list []int
	for _, pair := range k.AlsoInPlace {
		if pair[0] == o {
			list = append(list, pair[1])
		}
	}
	return list
}

// taken reports whether an output before o has the memory of in.
func (l *layout) taken(n *graph.Node, o int, in *graph.Value) bool {
	for _, v := range n.Out[:o] {
		if v != nil && l.home[v.ID] == l.home[in.ID] {
			return true
		}
	}
	return false
}

// readTwice reports whether the memory of input at is also that of another input, which an in-place kernel would
// overwrite before it has read it.
func (l *layout) readTwice(n *graph.Node, at int) bool {
	for i, v := range n.In {
		if i != at && v != nil && l.home[v.ID] == l.home[n.In[at].ID] {
			return true
		}
	}
	return false
}

// place gives the blocks offsets such that those alive at the same time do not overlap. Neither order of placing is
// always better, so both are tried.
func (l *layout) place(noReuse bool) {
	if noReuse {
		for _, b := range l.order {
			b.offset = l.arena
			l.arena += b.size
		}
		return
	}
	bySize, byTime := slices.Clone(l.order), slices.Clone(l.order)
	slices.SortStableFunc(bySize, func(a, b *block) int { return cmp.Compare(b.size, a.size) })
	slices.SortStableFunc(byTime, func(a, b *block) int { return cmp.Compare(a.first, b.first) })
	if l.arena = fit(byTime); l.arena > peak(l.order) {
		byTimeArena := l.arena
		if l.arena = fit(bySize); l.arena > byTimeArena {
			l.arena = fit(byTime)
		}
	}
}

// fit places each block, in the order given, into the tightest gap between the blocks already placed that live at
// the same time, and returns the end of the highest.
func fit(order []*block) int {
	top := 0
	var placed []*block // ascending offset
	for _, b := range order {
		best, bestGap, end := -1, math.MaxInt, 0
		for _, p := range placed {
			if p.last < b.first || b.last < p.first {
				continue
			}
			if gap := p.offset - end; gap >= b.size && gap < bestGap {
				best, bestGap = end, gap
			}
			end = max(end, p.offset+p.size)
		}
		if b.offset = best; best < 0 {
			b.offset = end
		}
		top = max(top, b.offset+b.size)
		at, _ := slices.BinarySearchFunc(placed, b.offset, func(p *block, off int) int { return cmp.Compare(p.offset, off) })
		placed = slices.Insert(placed, at, b)
	}
	return top
}

// peak is the most that lives at one time, below which no placement can go.
func peak(blocks []*block) int {
	type change struct{ at, by int }
	var changes []change
	for _, b := range blocks {
		changes = append(changes, change{b.first, b.size})
		if b.last != never {
			changes = append(changes, change{b.last + 1, -b.size})
		}
	}
	slices.SortFunc(changes, func(a, b change) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.by, b.by)) })
	now, most := 0, 0
	for _, c := range changes {
		now += c.by
		most = max(most, now)
	}
	return most
}
