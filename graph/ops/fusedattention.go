package ops

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// FusedAttention is what passes make of attention that exporters write as products, a softmax and transposes: for queries
// [batch, Nq, heads, size], keys [batch, Nk, heads, size] and values [batch, Nk, heads, width], the layout in which a
// linear layer leaves them,
//
//	Y[b, :, h] = dropout(softmax(scale Q[b, :, h] K[b, :, h]ᵀ + mask)) V[b, :, h]  of shape [batch, Nq, heads, width]
//
// With the attribute packed, K and V are absent and Q is all three, [batch, N, 3, heads, size].
//
// mask, which may be absent, broadcasts to the scores [batch, heads, Nq, Nk] and gets no gradient; a query that it bars from
// every key with -Inf has weights of zero. Dropout is there when the input [seed, step] is, with the attributes and
// the random numbers of the internal Dropout on the scores.
func init() {
	op.Register(op.Def{
		Domain: op.Internal, Type: "FusedAttention", Since: 1,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 1, 5); err != nil {
				return err
			}
			f, err := fusedAttentionOf(n, 0)
			if err != nil {
				return err
			}
			return set(n, 0, typeOf(n, 0), f.y)
		},
		NoGrad: []int{3, 4},
		Grad: func(b *op.Backward) {
			outs := 3
			if b.Node.Attrs.Bool("packed", false) {
				outs = 1
			}
			d := b.Emit(op.Internal, "FusedAttentionGrad", b.Node.Attrs, outs, b.Grad(0), b.In(0), b.In(1), b.In(2), b.In(3), b.In(4))
			for i, v := range d {
				b.Set(i, v)
			}
		},
		Eval:    evalFusedAttention,
		Random:  true,
		Samples: fusedAttentionSamples,
	})
}

// fusedAttention is the shape and settings of a FusedAttention or its gradient.
type fusedAttention struct {
	batch, heads, queries, keys int
	size, width                 int // of a head of queries and keys, and of values
	scale, ratio                float64
	key                         int // of dropout
	packed                      bool
	y                           tensor.Shape
}

// fusedAttentionOf reads a node whose queries, keys, values, mask and [seed, step] are inputs q to q+4.
func fusedAttentionOf(n *graph.Node, q int) (fusedAttention, error) {
	f := fusedAttention{scale: n.Attrs.Float("scale", 1), ratio: n.Attrs.Float("ratio", 0), key: n.Attrs.Int("key", 0)}
	if err := f.shapes(n, q); err != nil {
		return f, err
	}
	if mask := n.Input(q + 3); mask != nil {
		scores := f.scores()
		whole, err := tensor.Broadcast(mask.Type.Shape, scores)
		if err != nil || !whole.Equal(scores) || mask.Type.DType != typeOf(n, q) {
			return f, fmt.Errorf("mask %q, %v, does not broadcast to scores %v of %v", mask.Name, mask.Type, scores, typeOf(n, q))
		}
	}
	if rng := n.Input(q + 4); rng != nil {
		if rng.Type.DType != tensor.Int64 || rng.Type.Shape.Elems() != 2 {
			return f, fmt.Errorf("input %d, %q, is %v instead of the int64 numbers seed and step", q+4, rng.Name, rng.Type)
		}
		if !(f.ratio >= 0 && f.ratio < 1) {
			return f, fmt.Errorf("ratio %v is outside of [0, 1)", f.ratio)
		}
	}
	return f, nil
}

// shapes reads those of queries, keys and values.
func (f *fusedAttention) shapes(n *graph.Node, q int) error {
	if f.packed = n.Attrs.Bool("packed", false); f.packed {
		if err := rank(n, q, 5, 5); err != nil {
			return err
		}
		s := shapeOf(n, q)
		if s[2] != 3 || n.Input(q+1) != nil || n.Input(q+2) != nil {
			return fmt.Errorf("packed queries, keys and values have shape %v, want [batch, positions, 3, heads, size] and nothing else", s)
		}
		f.batch, f.queries, f.keys, f.heads, f.size, f.width = s[0], s[1], s[1], s[3], s[4], s[4]
		f.y = tensor.Shape{f.batch, f.queries, f.heads, f.width}
		return allow(n, q, floats)
	}
	for i := q; i < q+3; i++ {
		if n.Input(i) == nil {
			return fmt.Errorf("input %d is missing", i)
		}
		if err := rank(n, i, 4, 4); err != nil {
			return err
		}
	}
	if err := sameType(n, floats, q, q+1, q+2); err != nil {
		return err
	}
	qs, ks, vs := shapeOf(n, q), shapeOf(n, q+1), shapeOf(n, q+2)
	f.batch, f.queries, f.heads, f.size = qs[0], qs[1], qs[2], qs[3]
	f.keys, f.width = ks[1], vs[3]
	f.y = tensor.Shape{f.batch, f.queries, f.heads, f.width}
	if !ks.Equal(tensor.Shape{f.batch, f.keys, f.heads, f.size}) || !vs[:3].Equal(ks[:3]) {
		return fmt.Errorf("queries %v, keys %v and values %v do not fit each other", qs, ks, vs)
	}
	return nil
}

func (f *fusedAttention) scores() tensor.Shape {
	return tensor.Shape{f.batch, f.heads, f.queries, f.keys}
}

// fusedAttentionData are the inputs of the reference.
type fusedAttentionData struct {
	q, k, v, mask []float64
	strides       []int   // of mask over the scores
	base          *uint64 // of the random numbers of dropout; nil without
}

func (f *fusedAttention) data(q, k, v, mask, rng *tensor.Tensor) fusedAttentionData {
	d := fusedAttentionData{q: q.Float64s()}
	if f.packed {
		d.q, d.k, d.v = f.unpack(d.q)
	} else {
		d.k, d.v = k.Float64s(), v.Float64s()
	}
	if mask != nil {
		d.mask, d.strides = mask.Float64s(), mask.Shape.BroadcastStrides(f.scores())
	}
	if rng != nil {
		base := dropoutBase(rng.I64()[0], rng.I64()[1], f.key)
		d.base = &base
	}
	return d
}

// unpack cuts [batch, N, 3, heads, size] into three.
func (f *fusedAttention) unpack(x []float64) (q, k, v []float64) {
	for c := f.heads * f.size; len(x) > 0; x = x[3*c:] {
		q, k, v = append(q, x[:c]...), append(k, x[c:2*c]...), append(v, x[2*c:3*c]...)
	}
	return q, k, v
}

// pack is the inverse of unpack.
func (f *fusedAttention) pack(q, k, v []float64) (x []float64) {
	c := f.heads * f.size
	for at := 0; at < len(q); at += c {
		x = append(append(append(x, q[at:at+c]...), k[at:at+c]...), v[at:at+c]...)
	}
	return x
}

// row computes the weights of query i of head h of sample b, and what dropout makes of each: a factor.
func (f *fusedAttention) row(d *fusedAttentionData, weights, factors []float64, b, h, i int) {
	query := d.q[((b*f.queries+i)*f.heads+h)*f.size:][:f.size]
	top := math.Inf(-1)
	for j := range weights {
		dot := 0.0
		for x, k := range d.k[((b*f.keys+j)*f.heads+h)*f.size:][:f.size] {
			dot += query[x] * k
		}
		weights[j] = f.scale * dot
		if d.mask != nil {
			weights[j] += d.mask[b*d.strides[0]+h*d.strides[1]+i*d.strides[2]+j*d.strides[3]]
		}
		top = max(top, weights[j])
	}
	sum := 0.0
	for j, s := range weights {
		weights[j] = 0
		if !math.IsInf(top, -1) {
			weights[j] = math.Exp(s - top)
		}
		sum += weights[j]
	}
	for j := range weights {
		if sum != 0 {
			weights[j] /= sum
		}
		factors[j] = f.factor(d, ((b*f.heads+h)*f.queries+i)*f.keys+j)
	}
}

// factor is what dropout multiplies element at of the weights by.
func (f *fusedAttention) factor(d *fusedAttentionData, at int) float64 {
	switch {
	case d.base == nil:
		return 1
	case float64(dropoutBits(*d.base, at)) < math.Round(f.ratio*(1<<32)):
		return 0
	}
	return 1 / (1 - f.ratio)
}

// eachRow calls do with the weights and factors of every query.
func (f *fusedAttention) eachRow(d *fusedAttentionData, do func(weights, factors []float64, b, h, i int)) {
	weights, factors := make([]float64, f.keys), make([]float64, f.keys)
	for b := range f.batch {
		for h := range f.heads {
			for i := range f.queries {
				f.row(d, weights, factors, b, h, i)
				do(weights, factors, b, h, i)
			}
		}
	}
}

func evalFusedAttention(n *graph.Node, in, out []*tensor.Tensor) error {
	f, err := fusedAttentionOf(n, 0)
	if err != nil {
		return err
	}
	d := f.data(in[0], optional(in, 1), optional(in, 2), optional(in, 3), optional(in, 4))
	y := make([]float64, f.y.Elems())
	f.eachRow(&d, func(weights, factors []float64, b, h, i int) {
		to := y[((b*f.queries+i)*f.heads+h)*f.width:]
		for j, p := range weights {
			for x, v := range d.v[((b*f.keys+j)*f.heads+h)*f.width:][:f.width] {
				to[x] += p * factors[j] * v
			}
		}
	})
	out[0].SetFloat64s(y)
	return nil
}
