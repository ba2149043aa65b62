package pass

import (
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// reshape gives a Reshape of a value with the batch one of the shapes that it can have.
func (r *rebatch) reshape(i int, n *graph.Node, option int) (more bool, err error) {
	x := n.In[0]
	a := r.axis(x)
	if a < 0 {
		return false, nil
	}
	options := r.readings(n, a)
	if option >= len(options) {
		was := r.file[n.Out[0].ID].Shape
		return false, graph.Errorf(n, "no dimension of %v can be the batch of the input, which is %v now", was, x.Type.Shape)
	}
	o := options[option]
	r.outer[n.Out[0].ID] = o.outer
	if !o.natural {
		r.changes[i] = append(r.changes[i], batchChange{input: 1, shape: o.shape})
		n.In[1] = wide(r.try, o.shape...)
	}
	return option+1 < len(options), nil
}

// reading is a shape that a Reshape can have under another batch.
type reading struct {
	shape   tensor.Shape
	outer   int
	natural bool // it is what the node computes as it stands
}

// readings lists them, the likeliest first: what the node computes by itself when its shape follows the input; then
// dimensions in which the batch comes first, from the left; then those with a factor before it.
func (r *rebatch) readings(n *graph.Node, a int) []reading {
	was, out := r.file[n.In[0].ID].Shape, r.file[n.Out[0].ID].Shape
	// One step of the batch is stride elements in row-major order.
	stride := was[a] / max(r.outer[n.In[0].ID]*r.from, 1)
	for _, d := range was[a+1:] {
		stride *= d
	}
	natural := r.natural(n, a)
	var list []reading
	inner := 1
	for j := len(out) - 1; j >= 0; j-- {
		size := inner * out[j] // of dimension j and those behind it
		if holds(inner, size, stride, r.from) {
			shape := out.Clone()
			shape[j] = out[j] / r.from * r.to
			list = append(list, reading{shape, size / (stride * r.from), shape.Equal(natural)})
		}
		inner = size
	}
	slices.Reverse(list)
	rank := func(x reading) int {
		switch {
		case x.natural:
			return 0
		case x.outer == 1:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(list, func(x, y reading) int { return rank(x) - rank(y) })
	return list
}

// holds reports whether a dimension holds a whole index of from values that are stride elements apart. One step of the
// dimension is inner elements, all of it size.
func holds(inner, size, stride, from int) bool {
	all := stride * from
	return inner > 0 && all > 0 && stride%inner == 0 && size%all == 0 && size > 0
}

// natural is the shape that a Reshape of a value with the batch in dimension a computes as it stands, when its target
// follows the batch: by a 0 for that dimension, or because it is computed. Otherwise it is nil.
func (r *rebatch) natural(n *graph.Node, a int) tensor.Shape {
	target, was := n.ConstInput(1), r.shapes[n.In[1].ID]
	if target == nil || target.DType != tensor.Int64 || len(target.Shape) != 1 {
		return nil
	}
	now := ints(target)
	keeps := a < len(now) && now[a] == 0 && !n.Attrs.Bool("allowzero", false)
	if now.Equal(was) && !keeps {
		return nil
	}
	if _, err := r.folding.node(n); err != nil {
		return nil
	}
	shape := n.Out[0].Type.Shape
	n.Out[0].Type, n.Out[0].Kind, n.Out[0].Producer, n.Out[0].Init = graph.Type{}, graph.Computed, n, nil
	return shape
}
