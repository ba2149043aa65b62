package pass

import (
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
)

// positionsFirst is v, queries, keys or values with heads before positions, as [batch, positions, heads, size]: the source
// of the transpose that put heads first where there is one. A batch that exporters fold into the heads stays there.
func (e *fuser) positionsFirst(a *attentionParts, v *graph.Value) *graph.Value {
	if t := by(v, "Transpose"); t != nil && slices.Equal(t.Attrs.Ints("perm"), a.transpose) {
		v = t.In[0]
	} else {
		v = e.emit("", "Transpose", graph.MakeAttrs("perm", a.transpose), v)
	}
	if e.err == nil && len(a.transpose) == 3 {
		v = e.reshape(v, append([]int{1}, v.Type.Shape...))
	}
	return v
}

// packed is the projection to queries, keys and values at once that all three are cut from, as [batch, positions, 3, heads,
// size]; nil where there is none.
func (e *fuser) packed(a *attentionParts) *graph.Value {
	if len(a.transpose) != 4 {
		return nil
	}
	var all *graph.Value
	for i, v := range []*graph.Value{a.q, a.k, a.v} {
		whole, at := splitBeforeHeads(v)
		if whole == nil {
			whole, at = splitAfterHeads(v)
		}
		if whole == nil || at != i || all != nil && whole != all {
			return nil
		}
		all = whole
	}
	q := a.q.Type.Shape
	want := []int{q[0], q[2], 3, q[1], q[3]}
	if all.Type.Shape.Equal(want) {
		return all
	}
	return e.reshape(all, want)
}

// splitBeforeHeads finds [batch, positions, 3*heads*size], of which v is third number at with its heads split off and put
// first.
func splitBeforeHeads(v *graph.Value) (whole *graph.Value, at int) {
	t := by(v, "Transpose")
	if t == nil || !slices.Equal(t.Attrs.Ints("perm"), []int{0, 2, 1, 3}) {
		return nil, 0
	}
	heads := by(t.In[0], "Reshape")
	if heads == nil {
		return nil, 0
	}
	split := by(heads.In[0], "Split")
	if split == nil {
		return nil, 0
	}
	s, from := heads.Out[0].Type.Shape, split.In[0].Type.Shape
	if len(from) != 3 || !heads.In[0].Type.Shape.Equal([]int{s[0], s[1], s[2] * s[3]}) || !thirds(split, 2) {
		return nil, 0
	}
	return split.In[0], slices.Index(split.Out, heads.In[0])
}

// splitAfterHeads finds [batch, positions, 3, heads, size], which exporters transpose as a whole before they split it.
func splitAfterHeads(v *graph.Value) (whole *graph.Value, at int) {
	squeeze := by(v, "Squeeze")
	if squeeze == nil {
		return nil, 0
	}
	split := by(squeeze.In[0], "Split")
	if split == nil || !thirds(split, 0) {
		return nil, 0
	}
	t := by(split.In[0], "Transpose")
	if t == nil || len(v.Type.Shape) != 4 || !slices.Equal(t.Attrs.Ints("perm"), []int{2, 0, 3, 1, 4}) || t.Out[0].Type.Shape[0] != 3 {
		return nil, 0
	}
	return t.In[0], slices.Index(split.Out, squeeze.In[0])
}

// thirds reports a Split into three equal parts of an axis.
func thirds(n *graph.Node, axis int) bool {
	if len(n.Out) != 3 || slices.Contains(n.Out, nil) {
		return false
	}
	at, err := n.In[0].Type.Shape.Axis(n.Attrs.Int("axis", 0))
	same := func(v *graph.Value) bool { return v.Type.Shape.Equal(n.Out[0].Type.Shape) }
	return err == nil && at == axis && same(n.Out[1]) && same(n.Out[2])
}
