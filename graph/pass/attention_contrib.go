package pass

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// ONNX Runtime's attention operators (com.microsoft; its ContribOperators.md), which its optimizer writes, become
// ai.onnx Attention and the products around it.
func init() {
	expansions[[2]string{"com.microsoft", "MultiHeadAttention"}] = expansion{run: (*expander).multiHeadAttention, noGrad: []int{4}}
	expansions[[2]string{"com.microsoft", "Attention"}] = expansion{run: (*expander).fusedAttention, noGrad: []int{3}}
}

// attentionOpset has the Attention that is emitted.
const attentionOpset = 23

// contribAttention are the inputs of attention when queries, keys and values are ready.
type contribAttention struct {
	q, k, v            *graph.Value
	mask, bias         *graph.Value // which keys to use, and what to add to scores; nil without
	pastKey, pastValue *graph.Value
	outs               int
}

// multiHeadAttention takes queries, keys and values of [batch, positions, hidden], packed ones of [batch, positions, heads,
// 3 or 2, size], or keys and values of [batch, heads, positions, size].
func (x *expander) multiHeadAttention(n *graph.Node) error {
	if n.Input(0) == nil || n.Input(8) != nil || n.Input(9) != nil || n.Output(3) != nil {
		return fmt.Errorf("queries are needed; a shared cache and scores as an output are not supported")
	}
	e := &emitter{x: x, n: n}
	a := contribAttention{q: n.In[0], k: n.Input(1), v: n.Input(2), mask: n.Input(4), bias: n.Input(5),
		pastKey: n.Input(6), pastValue: n.Input(7), outs: len(n.Out)}
	switch {
	case len(a.q.Type.Shape) == 5:
		parts := e.unpack(a.q, 3)
		a.q, a.k, a.v = parts[0], parts[1], parts[2]
	case a.k != nil && len(a.k.Type.Shape) == 5:
		parts := e.unpack(a.k, 2)
		a.k, a.v = parts[0], parts[1]
	}
	if e.err == nil && (a.k == nil || a.v == nil) {
		e.err = fmt.Errorf("keys and values are needed")
	}
	if all := n.Input(3); all != nil && e.err == nil {
		hidden := []int{}
		for _, v := range []*graph.Value{a.q, a.k, a.v} {
			if len(v.Type.Shape) != 3 {
				return fmt.Errorf("a bias needs queries, keys and values of rank 3, and there is one of shape %v", v.Type.Shape)
			}
			hidden = append(hidden, v.Type.Shape[2])
		}
		parts := e.many("Split", graph.MakeAttrs("axis", 0), 3, all, e.ints(hidden...))
		a.q, a.k, a.v = e.op("Add", nil, a.q, parts[0]), e.op("Add", nil, a.k, parts[1]), e.op("Add", nil, a.v, parts[2])
	}
	return e.finish(e.attention(&a))
}

// fusedAttention multiplies an input with the weights of queries, keys and values side by side.
func (x *expander) fusedAttention(n *graph.Node) error {
	if n.Input(0) == nil || n.Input(1) == nil || n.Input(6) != nil || n.Attrs.Bool("do_rotary", false) {
		return fmt.Errorf("an input and weights are needed; rotation and a shared cache are not supported")
	}
	weights := n.In[1].Type.Shape
	if len(n.In[0].Type.Shape) != 3 || len(weights) != 2 {
		return fmt.Errorf("an input of shape %v and weights of shape %v, want ranks of 3 and 2", n.In[0].Type.Shape, weights)
	}
	sizes := n.Attrs.Ints("qkv_hidden_sizes")
	if sizes == nil {
		sizes = []int{weights[1] / 3, weights[1] / 3, weights[1] / 3}
	}
	if len(sizes) != 3 {
		return fmt.Errorf("attribute qkv_hidden_sizes is %v and should be three numbers", sizes)
	}
	e := &emitter{x: x, n: n}
	all := e.op("MatMul", nil, n.In[0], n.In[1])
	if bias := n.Input(2); bias != nil {
		all = e.op("Add", nil, all, bias)
	}
	parts := e.many("Split", graph.MakeAttrs("axis", 2), 3, all, e.ints(sizes...))
	a := contribAttention{q: parts[0], k: parts[1], v: parts[2], mask: n.Input(3), bias: n.Input(5), outs: 1}
	if past := n.Input(4); past != nil {
		halves := e.many("Split", graph.MakeAttrs("axis", 0), 2, past, e.ints(1, 1))
		a.pastKey, a.pastValue = e.op("Squeeze", nil, halves[0], e.ints(0)), e.op("Squeeze", nil, halves[1], e.ints(0))
	}
	if n.Output(1) != nil {
		a.outs = 3
	}
	outs := e.attention(&a)
	if a.outs == 3 {
		k, v := e.op("Unsqueeze", nil, outs[1], e.ints(0)), e.op("Unsqueeze", nil, outs[2], e.ints(0))
		outs = []*graph.Value{outs[0], e.op("Concat", graph.MakeAttrs("axis", 0), k, v)}
	}
	return e.finish(outs)
}

// unpack splits [batch, positions, heads, count, size] into parts of [batch, positions, heads*size].
func (e *emitter) unpack(v *graph.Value, count int) []*graph.Value {
	s := v.Type.Shape
	if s[3] != count {
		e.err = fmt.Errorf("%q of shape %v does not hold %d parts", v.Name, s, count)
		return make([]*graph.Value, count)
	}
	ones := make([]int, count)
	for i := range ones {
		ones[i] = 1
	}
	parts := e.many("Split", graph.MakeAttrs("axis", 3), count, v, e.ints(ones...))
	flat := make([]*graph.Value, count)
	for i, part := range parts {
		flat[i] = e.op("Reshape", nil, part, e.ints(s[0], s[1], s[2]*s[4]))
	}
	return flat
}

// attention emits Attention and returns its outputs, a.outs of them.
func (e *emitter) attention(a *contribAttention) []*graph.Value {
	if e.err != nil {
		return make([]*graph.Value, a.outs)
	}
	if q, k := a.q.Type.Shape, a.k.Type.Shape; len(q) != 3 || len(k) < 3 {
		e.err = fmt.Errorf("queries of shape %v and keys of shape %v", q, k)
		return make([]*graph.Value, a.outs)
	}
	heads := e.n.Attrs.Int("num_heads", 0)
	attrs := graph.MakeAttrs("q_num_heads", heads, "kv_num_heads", heads, "is_causal", e.n.Attrs.Int("unidirectional", 0))
	if scale := e.n.Attrs.Float("scale", 0); scale != 0 {
		attrs = attrs.With("scale", scale)
	}
	keys := a.k.Type.Shape[len(a.k.Type.Shape)-2]
	if a.pastKey != nil && len(a.pastKey.Type.Shape) == 4 {
		keys += a.pastKey.Type.Shape[2]
	}
	bias := a.bias
	if a.mask != nil {
		bias = e.barred(a.mask, a.q.Type, keys)
		if a.bias != nil {
			bias = e.op("Add", nil, bias, a.bias)
		}
	}
	if e.err != nil {
		return make([]*graph.Value, a.outs)
	}
	in := []*graph.Value{a.q, a.k, a.v, bias, a.pastKey, a.pastValue}
	outs, err := e.x.emitVersion(attentionOpset, e.n, "Attention", attrs, a.outs, in...)
	if e.err = err; err != nil {
		return make([]*graph.Value, a.outs)
	}
	return outs
}

// barred is what to add to scores under a mask of [batch, keys], [batch, queries, keys] or, as numbers of keys, [batch]:
// mask_filter_value for keys to leave out.
func (e *emitter) barred(mask *graph.Value, q graph.Type, keys int) *graph.Value {
	s, batch := mask.Type.Shape, q.Shape[0]
	var keep *graph.Value
	var shape []int
	switch {
	case s.Equal(tensor.Shape{batch}):
		list := make([]int, keys)
		for i := range list {
			list[i] = i
		}
		count := e.op("Unsqueeze", nil, e.op("Cast", graph.MakeAttrs("to", 7), mask), e.ints(1))
		keep, shape = e.op("Less", nil, e.ints(list...), count), []int{batch, 1, 1, keys}
	case s.Equal(tensor.Shape{batch, keys}):
		shape = []int{batch, 1, 1, keys}
	case s.Equal(tensor.Shape{batch, q.Shape[1], keys}):
		shape = []int{batch, 1, q.Shape[1], keys}
	default:
		e.err = fmt.Errorf("a mask of shape %v is not supported; [%d], [%d,%d] and [%d,%d,%d] are",
			s, batch, batch, keys, batch, q.Shape[1], keys)
		return nil
	}
	if keep == nil {
		keep = e.op("Cast", graph.MakeAttrs("to", 9), mask)
	}
	filter := e.scalar(q.DType, e.n.Attrs.Float("mask_filter_value", -10000))
	return e.op("Where", nil, e.op("Reshape", nil, keep, e.ints(shape...)), e.scalar(q.DType, 0), filter)
}
