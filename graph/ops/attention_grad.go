package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// AttentionGrad is the gradient of Attention: of Q, K, V and, when a fourth output is asked for, of a mask of
// numbers. Its inputs are Q, K and V, the mask, the number of valid keys, and the gradients of the result and of
// qk_matmul_output, of which the last four may be absent. K and V hold the past, whose length is the attribute past;
// each of Q, K and V may be 3-D or 4-D.
func init() {
	op.Register(op.Def{
		Domain: op.Internal, Type: "AttentionGrad", Since: 1,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 3, 7); err != nil {
				return err
			}
			if _, err := attentionGradOf(n); err != nil {
				return err
			}
			for i := range n.Out {
				if err := set(n, i, typeOf(n, i), shapeOf(n, i)); err != nil {
					return err
				}
			}
			return nil
		},
		Eval:    evalAttentionGrad,
		Samples: attentionGradSamples,
	})
}

func attentionGradOf(n *graph.Node) (attention, error) {
	a, err := attentionSettings(n)
	if err != nil {
		return a, err
	}
	if err := a.shapes(n, 0, 1, 2); err != nil {
		return a, err
	}
	a.past = n.Attrs.Int("past", 0)
	if err := a.maskShape(n, 3); err != nil {
		return a, err
	}
	return a, lengths(n, 4, a.batch)
}

func evalAttentionGrad(n *graph.Node, in, out []*tensor.Tensor) error {
	a, err := attentionGradOf(n)
	if err != nil {
		return err
	}
	x := attentionData{q: in[0].Float64s(), k: a.unpacked(in[1], a.size), v: a.unpacked(in[2], a.valueSize)}
	if err := x.masks(&a, optional(in, 3), optional(in, 4)); err != nil {
		return err
	}
	g := newAttentionGradients(&a, &x, optional(in, 5), optional(in, 6))
	a.eachRow(&x, func(r *attentionRow) {
		r.forward(&a, &x)
		g.row(&a, &x, r)
	})
	for i, v := range [][]float64{g.q, a.packed(g.k, in[1], a.size), a.packed(g.v, in[2], a.valueSize), g.bias} {
		if optional(out, i) != nil {
			out[i].SetFloat64s(v)
		}
	}
	return nil
}

// attentionGradients are sums over the rows, in the layouts of attentionData.
type attentionGradients struct {
	q, k, v, bias []float64
	y, shown      []float64 // that arrive; nil where none does
	scores        []float64 // of one row
}

func newAttentionGradients(a *attention, x *attentionData, y, shown *tensor.Tensor) *attentionGradients {
	g := &attentionGradients{
		q: make([]float64, len(x.q)), k: make([]float64, len(x.k)), v: make([]float64, len(x.v)),
		bias: make([]float64, len(x.bias)), scores: make([]float64, a.keys),
	}
	if y != nil {
		g.y = y.Float64s()
	}
	if shown != nil {
		g.shown = shown.Float64s()
	}
	return g
}

// row takes the gradient of one row back through the stages of the scores, from last to first.
func (g *attentionGradients) row(a *attention, x *attentionData, r *attentionRow) {
	clear(g.scores)
	g.values(a, x, r)
	arrive := func(mode int) {
		if g.shown == nil || a.shown != mode {
			return
		}
		for j, d := range g.shown[r.index*a.keys:][:a.keys] {
			g.scores[j] += d
		}
	}
	arrive(3)
	mean := 0.0
	for j, p := range r.weights {
		mean += p * g.scores[j]
	}
	for j, p := range r.weights {
		g.scores[j] = p * (g.scores[j] - mean)
	}
	arrive(2)
	for j, d := range g.scores {
		if d != 0 && j < x.width {
			g.bias[r.maskAt(x, j)] += d
		}
	}
	arrive(1)
	if a.softcap > 0 {
		for j, s := range r.softened {
			g.scores[j] *= 1 - s/a.softcap*(s/a.softcap)
		}
	}
	arrive(0)
	g.products(a, x, r)
}

// values goes through the product of weights and values.
func (g *attentionGradients) values(a *attention, x *attentionData, r *attentionRow) {
	if g.y == nil {
		return
	}
	dy := g.y[r.outAt:][:a.valueSize]
	for j, p := range r.weights {
		if p == 0 {
			continue
		}
		at := r.valueAt(a, j)
		for d, y := range dy {
			g.scores[j] += y * x.v[at+d]
			g.v[at+d] += p * y
		}
	}
}

// products goes through the product of queries and keys.
func (g *attentionGradients) products(a *attention, x *attentionData, r *attentionRow) {
	for j, d := range g.scores {
		if d == 0 {
			continue
		}
		at := r.keyAt(a, j)
		for i := range a.size {
			g.q[r.queryAt+i] += a.scale * d * x.k[at+i]
			g.k[at+i] += a.scale * d * x.q[r.queryAt+i]
		}
	}
}

// gradAttention leaves the past out of AttentionGrad's sight: it is joined to the keys and values before and cut off
// after.
func gradAttention(b *op.Backward) {
	a, err := attentionOf(b.Node)
	if fails(b, err) {
		return
	}
	attrs := b.Node.Attrs.With("past", a.past).With("q_num_heads", a.heads).With("kv_num_heads", a.kvHeads)
	outs := 3
	if b.Want(3) {
		outs = 4
	}
	k, v := b.In(1), b.In(2)
	if a.past > 0 {
		k, v = withPast(b, &a, 1, 4, a.size), withPast(b, &a, 2, 5, a.valueSize)
	}
	d := []*graph.Value{nil, nil, nil, nil}
	if b.Grad(0) != nil || b.Grad(3) != nil {
		d = b.Emit(op.Internal, "AttentionGrad", attrs, outs, b.In(0), k, v, b.In(3), b.In(6), b.Grad(0), b.Grad(3))
		b.Set(0, d[0])
	}
	if outs == 4 {
		b.Set(3, d[3])
	}
	withoutPast(b, &a, 1, 4, d[1], a.size)
	withoutPast(b, &a, 2, 5, d[2], a.valueSize)
}

// withPast is the keys or values, input i, behind those of the past, as the node itself joins them.
func withPast(b *op.Backward, a *attention, i, past, size int) *graph.Value {
	if v := b.Out(i); v != nil {
		return v
	}
	return b.OpAttrs("Concat", graph.MakeAttrs("axis", 2), b.In(past), headsApart(b, b.In(i), a.kvHeads, size))
}

// withoutPast sets the gradients of the keys or values, input i, and of their past, from d, that of both together and
// in the layout of the node that computed it, and from what arrives at output i.
func withoutPast(b *op.Backward, a *attention, i, past int, d *graph.Value, size int) {
	arriving := b.Grad(i)
	if arriving == nil && a.past == 0 {
		b.Set(i, d)
		return
	}
	if d != nil {
		d = headsApart(b, d, a.kvHeads, size)
	}
	switch {
	case arriving == nil:
	case d == nil:
		d = arriving
	default:
		d = b.Op("Add", d, arriving)
	}
	if d == nil || b.Err != nil {
		return
	}
	fresh := d
	if b.In(past) != nil {
		parts := b.Emit("", "Split", graph.MakeAttrs("axis", 2), 2, d, b.Ints(a.past, a.keys-a.past))
		b.Set(past, parts[0])
		fresh = parts[1]
	}
	b.Set(i, headsTogether(b, fresh, b.In(i).Type.Shape))
}

// headsApart makes [batch, heads, positions, size] of a value that may have its heads packed into the last axis.
func headsApart(b *op.Backward, v *graph.Value, heads, size int) *graph.Value {
	if b.Err != nil || len(v.Type.Shape) == 4 {
		return v
	}
	s := v.Type.Shape
	return b.OpAttrs("Transpose", graph.MakeAttrs("perm", []int{0, 2, 1, 3}), b.Reshape(v, tensor.Shape{s[0], s[1], heads, size}))
}

// headsTogether is the inverse of headsApart for a value of the given shape.
func headsTogether(b *op.Backward, v *graph.Value, shape tensor.Shape) *graph.Value {
	if b.Err != nil || len(shape) == 4 {
		return v
	}
	return b.Reshape(b.OpAttrs("Transpose", graph.MakeAttrs("perm", []int{0, 2, 1, 3}), v), shape)
}
