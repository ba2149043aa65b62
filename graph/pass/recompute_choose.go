package pass

import (
	"cmp"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

const (
	// worthKeeping is the part of the least peak by which it may grow again for values that take long to make.
	worthKeeping = 1. / 20
	// maxTrials bounds the search for these, in nodes looked at.
	maxTrials = 1 << 22
)

// choose is the forward values to keep: all of them, or those between the number of segments that takes the lowest peak. It is
// then found out which others can stay as well.
func (r *recomputation) choose() []bool {
	best := make([]bool, len(r.root))
	for i := range best {
		best[i] = true
	}
	all := r.peak(best)
	least := all
	for count := 2; count <= r.forward; count += max(1, count/4) {
		kept := r.segments(count)
		if peak := r.peak(kept); peak < least {
			best, least = kept, peak
		}
	}
	if least < all {
		r.keepMore(best, least+int(float64(least)*worthKeeping))
	}
	return best
}

// segments is the values to keep on borders between segments of the forward pass, of each of which gradients read no more than
// the count-th part of all, unless it is of one node. The borders are those that the fewest bytes cross in total.
func (r *recomputation) segments(count int) []bool {
	read, crossing := r.borders()
	budget := read[r.forward] / count
	cost, from := make([]int, r.forward+1), make([]int, r.forward+1)
	var window []int // begins of a segment that ends at a place, in order, each costing more than the one before
	for end := 1; end <= r.forward; end++ {
		for len(window) > 0 && cost[window[len(window)-1]] > cost[end-1] {
			window = window[:len(window)-1]
		}
		window = append(window, end-1)
		for len(window) > 1 && read[end]-read[window[0]] > budget {
			window = window[1:]
		}
		from[end] = window[0]
		cost[end] = cost[window[0]] + crossing[end]
	}
	before := make([]int, r.forward+1) // borders up to a place
	for at := from[r.forward]; at > 0; at = from[at] {
		before[at] = 1
	}
	for i := range r.forward {
		before[i+1] += before[i]
	}
	kept := slices.Clone(r.fixed)
	for id, last := range r.reader {
		if made := r.maker[id]; made >= 0 && last > made && before[last] > before[made] {
			kept[id] = true
		}
	}
	return kept
}

// borders are, for the place before each forward node and that behind the last, the bytes that gradients read of what is
// made up to there, and the bytes made there that forward nodes read later; what is kept in any case does not count.
func (r *recomputation) borders() (read, crossing []int) {
	read, crossing = make([]int, r.forward+2), make([]int, r.forward+2)
	for id, made := range r.maker {
		if made < 0 || r.fixed[r.root[id]] {
			continue
		}
		if r.needed[id] {
			read[made+1] += r.size[id]
		}
		if last := r.reader[id]; last > made {
			crossing[made+1] += r.size[id]
			crossing[last+1] -= r.size[id]
		}
	}
	for i := range r.forward + 1 {
		read[i+1] += read[i]
		crossing[i+1] += crossing[i]
	}
	return read, crossing
}

// keepMore adds to kept, as long as the peak stays within limit, the results of nodes that would be copied, those that take
// most work for a byte first. So nothing is made again whose memory is not needed, such as all of the last segment.
func (r *recomputation) keepMore(kept []bool, limit int) {
	type candidate struct {
		values []int
		worth  float64
	}
	var list []candidate
	for _, t := range r.order(kept) {
		if !t.again {
			continue
		}
		c, bytes := candidate{}, 0
		for _, v := range t.node.Out {
			if v != nil && r.root[v.ID] == v.ID && !kept[v.ID] {
				c.values = append(c.values, v.ID)
				bytes += r.size[v.ID]
			}
		}
		c.worth = work(t.node) / float64(max(bytes, 1))
		list = append(list, c)
	}
	slices.SortStableFunc(list, func(a, b candidate) int { return cmp.Compare(b.worth, a.worth) })
	for _, c := range list[:min(len(list), max(maxTrials/len(r.g.Nodes), 1))] {
		for _, id := range c.values {
			kept[id] = true
		}
		if r.peak(kept) <= limit {
			continue
		}
		for _, id := range c.values {
			kept[id] = false
		}
	}
}

// work is about how long a node takes, in the time that a byte takes to be moved, in which a core multiplies some times.
func work(n *graph.Node) float64 {
	const multiplications = 4
	bytes := 0
	for _, v := range slices.Concat(n.In, n.Out) {
		if v != nil {
			bytes += v.Type.Shape.Elems() * v.Type.DType.Size()
		}
	}
	return float64(bytes) + products(n)/multiplications
}

// products is about the number of multiplications of operators that make many for each element, and 0 for others.
func products(n *graph.Node) float64 {
	elems := func(s tensor.Shape) float64 { return float64(s.Elems()) }
	out := n.Out[0]
	if out == nil || len(n.In) < 2 || len(out.Type.Shape) == 0 {
		return 0
	}
	a, b := n.In[0], n.In[1]
	y := out.Type.Shape
	switch n.Op.Type {
	case "MatMul", "FusedMatMul", "Gemm":
		return elems(a.Type.Shape) * elems(y[len(y)-1:])
	case "Conv":
		return elems(y) * elems(b.Type.Shape[1:])
	case "ConvTranspose":
		return elems(a.Type.Shape) * elems(b.Type.Shape[1:])
	case "LSTM", "GRU", "RNN":
		return elems(a.Type.Shape[:2]) * (elems(b.Type.Shape) + elems(n.In[2].Type.Shape))
	case "FusedAttention": // [batch, positions, heads, size]
		return 2 * elems(y) * elems(y[1:2])
	}
	return 0
}
