package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// The tables of cosines and sines belong to the model's architecture, as positions do, and are not trained: their
// inputs have no gradient. RotaryEmbeddingGrad, the inverse rotation, is RotaryEmbedding of the result's gradient.
func init() {
	def := op.Def{
		Type: "RotaryEmbedding", Since: 23,
		Infer:   func(n *graph.Node) error { return inferRotary(n, onnxRotary) },
		NoGrad:  []int{1, 2, 3},
		Grad:    func(b *op.Backward) { gradRotary(b, onnxRotary) },
		Eval:    func(n *graph.Node, in, out []*tensor.Tensor) error { return evalRotary(n, in, out, onnxRotary, 1) },
		Samples: rotarySamples,
	}
	op.Register(def)
	def.Domain, def.Type, def.Since = op.Internal, "RotaryEmbeddingGrad", 1
	def.NoGrad, def.Grad = nil, nil
	def.Eval = func(n *graph.Node, in, out []*tensor.Tensor) error { return evalRotary(n, in, out, onnxRotary, -1) }
	def.Samples = func() []op.Sample {
		all := rotarySamples()
		for i := range all {
			all[i].Want = nil
		}
		return all
	}
	op.Register(def)
}

// rotaryInputs says which inputs hold the tables of cosines and sines and the positions.
type rotaryInputs struct{ cos, sin, positions int }

var onnxRotary = rotaryInputs{1, 2, 3}

// rotary is how heads of [batch, positions] vectors are rotated: by angles for the first half of the first turned
// elements, each pairing an element with another.
type rotary struct {
	batch, heads, positions, size int
	turned                        int
	interleaved                   bool
	where                         layout
}

func rotaryOf(n *graph.Node, in rotaryInputs) (rotary, error) {
	r := rotary{heads: n.Attrs.Int("num_heads", 0), interleaved: n.Attrs.Bool("interleaved", false)}
	s := shapeOf(n, 0)
	var err error
	if r.positions, r.size, err = headsOf(s, &r.heads); err != nil {
		return r, fmt.Errorf("input 0, %q: %w", n.In[0].Name, err)
	}
	r.batch = s[0]
	r.where = layoutOf(len(s), r.heads, r.positions, r.size)
	if r.turned = n.Attrs.Int("rotary_embedding_dim", 0); r.turned == 0 {
		r.turned = r.size
	}
	if r.turned < 0 || r.turned > r.size || r.turned%2 != 0 {
		return r, fmt.Errorf("%d elements of heads of size %d cannot be rotated in pairs", r.turned, r.size)
	}
	if !shapeOf(n, in.cos).Equal(shapeOf(n, in.sin)) {
		return r, fmt.Errorf("cosines of shape %v and sines of shape %v", shapeOf(n, in.cos), shapeOf(n, in.sin))
	}
	table := tensor.Shape{r.batch, r.positions, r.turned / 2}
	if n.Input(in.positions) != nil {
		table = table[1:]
		if c := shapeOf(n, in.cos); len(c) == 2 {
			table[0] = c[0] // any number of positions
		}
	}
	if got := shapeOf(n, in.cos); !got.Equal(table) {
		return r, fmt.Errorf("cosines of shape %v, want %v", got, table)
	}
	return r, nil
}

func inferRotary(n *graph.Node, in rotaryInputs) error {
	if err := inputs(n, 3, 4); err != nil {
		return err
	}
	if err := sameType(n, floats, 0, in.cos, in.sin); err != nil {
		return err
	}
	if err := allow(n, in.positions, setOf(tensor.Int64)); err != nil {
		return err
	}
	if err := rank(n, 0, 3, 4); err != nil {
		return err
	}
	r, err := rotaryOf(n, in)
	if err != nil {
		return err
	}
	if p := n.Input(in.positions); p != nil {
		if s, each := p.Type.Shape, (tensor.Shape{r.batch, r.positions}); !s.Equal(each) && !s.Equal(tensor.Shape{1}) {
			return fmt.Errorf("positions of shape %v, want %v", s, each)
		}
	}
	return set(n, 0, typeOf(n, 0), shapeOf(n, 0))
}

func gradRotary(b *op.Backward, in rotaryInputs) {
	b.Set(0, b.Internal("RotaryEmbeddingGrad", b.Node.Attrs, b.Grad(0), b.In(in.cos), b.In(in.sin), b.In(in.positions)))
}

// evalRotary turns by the tables' angles, or back when sign is -1.
func evalRotary(n *graph.Node, in, out []*tensor.Tensor, from rotaryInputs, sign float64) error {
	r, err := rotaryOf(n, from)
	if err != nil {
		return err
	}
	rows, err := r.rows(optional(in, from.positions), in[from.cos].Shape)
	if err != nil {
		return err
	}
	x, cos, sin := in[0].Float64s(), in[from.cos].Float64s(), in[from.sin].Float64s()
	half := r.turned / 2
	first, second := func(i int) int { return i }, func(i int) int { return half + i }
	if r.interleaved {
		first, second = func(i int) int { return 2 * i }, func(i int) int { return 2*i + 1 }
	}
	for b := range r.batch {
		for h := range r.heads {
			for p := range r.positions {
				v, row := x[r.where.at(b, h, p):], rows[b*r.positions+p]*half
				for i := range half {
					re, im, c, s := v[first(i)], v[second(i)], cos[row+i], sign*sin[row+i]
					v[first(i)], v[second(i)] = c*re-s*im, s*re+c*im
				}
			}
		}
	}
	out[0].SetFloat64s(x)
	return nil
}

// rows is the row of the tables for every position of every sample.
func (r *rotary) rows(positions *tensor.Tensor, table tensor.Shape) ([]int, error) {
	rows := make([]int, r.batch*r.positions)
	if positions == nil {
		for i := range rows {
			rows[i] = i
		}
		return rows, nil
	}
	given := positions.Int64s()
	for i := range rows {
		row := given[0] + int64(i%r.positions) // one position is the first of all samples
		if len(positions.Shape) == 2 {
			row = given[i]
		}
		if row < 0 || row >= int64(table[0]) {
			return nil, fmt.Errorf("position %d is outside of the tables' %d rows", row, table[0])
		}
		rows[i] = int(row)
	}
	return rows, nil
}

func rotarySamples() []op.Sample {
	angles := func(rows ...int) []*tensor.Tensor {
		return []*tensor.Tensor{op.Uniform(5, -1, 1, rows...), op.Uniform(6, -1, 1, rows...)}
	}
	of := func(name string, attrs []any, x *tensor.Tensor, tables []*tensor.Tensor, positions *tensor.Tensor) op.Sample {
		return op.Sample{Name: name, Attrs: graph.MakeAttrs(attrs...), In: []*tensor.Tensor{x, tables[0], tables[1], positions}}
	}
	at := tensor.Of[int64](tensor.Shape{2, 3}, 4, 1, 0, 2, 3, 3)
	right := []*tensor.Tensor{floats32([]int{1, 1, 2}, 0, 0), floats32([]int{1, 1, 2}, 1, 1)}
	quarter := of("a quarter turn", nil, floats32([]int{1, 1, 1, 4}, 1, 2, 3, 4), right, nil)
	quarter.Want = one(floats32([]int{1, 1, 1, 4}, -3, -4, 1, 2))
	pairs := quarter
	pairs.Name, pairs.Attrs = "interleaved quarter turn", graph.MakeAttrs("interleaved", 1)
	pairs.Want = one(floats32([]int{1, 1, 1, 4}, -2, 1, -4, 3))
	return []op.Sample{
		quarter, pairs,
		of("positions", nil, op.Normalish(1, 2, 2, 3, 4), angles(5, 2), at),
		of("packed", []any{"num_heads", 2}, op.Normalish(1, 2, 3, 8), angles(2, 3, 2), nil),
		of("part of a head", []any{"num_heads", 2, "rotary_embedding_dim", 2}, op.Normalish(1, 2, 3, 8), angles(5, 1), at),
		of("interleaved part", []any{"interleaved", 1, "rotary_embedding_dim", 4}, op.Normalish(1, 2, 2, 3, 6), angles(2, 3, 2), nil),
	}
}
