package ops

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// LinearAttentionGrad has the inputs of LinearAttention, all six, and then the gradients of its two outputs; its
// outputs are the gradients of the six inputs, of which those of absent inputs are empty.
func init() {
	op.Register(op.Def{
		Type: "LinearAttention", Since: 27,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 3, 6); err != nil {
				return err
			}
			l, err := linearAttentionOf(n)
			if err != nil {
				return err
			}
			if err := set(n, 0, typeOf(n, 0), tensor.Shape{l.batch, l.steps, l.heads * l.valueSize}); err != nil {
				return err
			}
			state := typeOf(n, 0)
			if v := n.Input(3); v != nil {
				state = v.Type.DType
			}
			return set(n, 1, state, l.state())
		},
		Grad: func(b *op.Backward) {
			in := make([]*graph.Value, 8)
			copy(in, b.Node.In)
			in[6], in[7] = b.Grad(0), b.Grad(1)
			for i, v := range b.Emit(op.Internal, "LinearAttentionGrad", b.Node.Attrs, 6, in...) {
				if b.Want(i) {
					b.Set(i, v)
				}
			}
		},
		Eval:    evalLinearAttention,
		Samples: linearAttentionSamples,
	})
}

// linearAttention is attention whose past is summed up in one matrix a head, the state.
type linearAttention struct {
	batch, steps, heads, kvHeads int
	size, valueSize              int
	scale                        float64
	decaySize, betaHeads         int // of the last axis of decay, for a head, and of beta; 0 without
}

func (l *linearAttention) state() tensor.Shape {
	return tensor.Shape{l.batch, l.kvHeads, l.size, l.valueSize}
}

func linearAttentionOf(n *graph.Node) (linearAttention, error) {
	l := linearAttention{scale: n.Attrs.Float("scale", 0)}
	l.heads, l.kvHeads = n.Attrs.Int("q_num_heads", 0), n.Attrs.Int("kv_num_heads", 0)
	if err := sameType(n, floats, 0, 1, 2, 4, 5); err != nil {
		return l, err
	}
	if err := allow(n, 3, floats); err != nil {
		return l, err
	}
	for _, i := range []int{0, 1, 2, 4, 5} {
		if err := rank(n, i, 3, 3); err != nil {
			return l, err
		}
	}
	q, k, v := shapeOf(n, 0), shapeOf(n, 1), shapeOf(n, 2)
	if l.kvHeads < 1 || l.heads < 1 || l.heads%l.kvHeads != 0 {
		return l, fmt.Errorf("%d heads of queries are no multiple of %d heads of keys", l.heads, l.kvHeads)
	}
	l.batch, l.steps, l.size, l.valueSize = q[0], q[1], q[2]/l.heads, v[2]/l.kvHeads
	for i, want := range []tensor.Shape{
		{l.batch, l.steps, l.heads * l.size}, {l.batch, l.steps, l.kvHeads * l.size},
		{l.batch, l.steps, l.kvHeads * l.valueSize}, l.state(),
	} {
		if x := n.Input(i); x != nil && !x.Type.Shape.Equal(want) {
			return l, fmt.Errorf("input %d, %q, has shape %v; with queries %v, keys %v, values %v of %d and %d heads it takes %v",
				i, x.Name, x.Type.Shape, q, k, v, l.heads, l.kvHeads, want)
		}
	}
	if l.scale == 0 {
		l.scale = 1 / math.Sqrt(float64(l.size))
	}
	return l, l.rule(n)
}

// rule reads the inputs that the update rule needs: decay for the gated ones, beta for the delta ones.
func (l *linearAttention) rule(n *graph.Node) error {
	rule := n.Attrs.String("update_rule", "gated_delta")
	rules := map[string][2]bool{"linear": {}, "gated": {true, false}, "delta": {false, true}, "gated_delta": {true, true}}
	needs, known := rules[rule]
	if !known {
		return fmt.Errorf("attribute update_rule is %q; linear, gated, delta and gated_delta are known", rule)
	}
	for k, what := range []string{"decay", "beta"} {
		if given := n.Input(4+k) != nil; given != needs[k] {
			return fmt.Errorf("input %d, the %s, is given: %v; update rule %q needs it: %v", 4+k, what, given, rule, needs[k])
		}
	}
	last := func(i int, choices ...int) (int, error) {
		s := shapeOf(n, i)
		for _, c := range choices {
			if s.Equal(tensor.Shape{l.batch, l.steps, c}) {
				return c, nil
			}
		}
		return 0, fmt.Errorf("input %d, %q, has shape %v, want [%d,%d,n] with n one of %v",
			i, n.In[i].Name, s, l.batch, l.steps, choices)
	}
	if needs[0] {
		width, err := last(4, l.kvHeads, l.kvHeads*l.size)
		if err != nil {
			return err
		}
		l.decaySize = width / l.kvHeads
	}
	var err error
	if needs[1] {
		l.betaHeads, err = last(5, l.kvHeads, 1)
	}
	return err
}

func evalLinearAttention(n *graph.Node, in, out []*tensor.Tensor) error {
	l, err := linearAttentionOf(n)
	if err != nil {
		return err
	}
	x := l.read(in)
	y := make([]float64, out[0].Elems())
	states := make([]float64, l.state().Elems())
	for b := range l.batch {
		for h := range l.kvHeads {
			s := newLinearState(&l, x, b, h)
			for t := range l.steps {
				s.step(t)
				s.results(t, y)
			}
			copy(states[(b*l.kvHeads+h)*len(s.m):], s.m)
		}
	}
	out[0].SetFloat64s(y)
	if optional(out, 1) != nil {
		out[1].SetFloat64s(states)
	}
	return nil
}

func linearAttentionSamples() []op.Sample {
	q, k, v := op.Normalish(1, 2, 3, 8), op.Normalish(2, 2, 3, 4), op.Normalish(3, 2, 3, 6)
	past, perHead, perKey := op.Normalish(4, 2, 2, 2, 3), op.Uniform(5, -1, 0, 2, 3, 2), op.Uniform(6, -1, 0, 2, 3, 4)
	beta, shared := op.Uniform(7, 0, 1, 2, 3, 2), op.Uniform(8, 0, 1, 2, 3, 1)
	of := func(rule string, attrs graph.Attrs, in ...*tensor.Tensor) op.Sample {
		attrs = attrs.With("q_num_heads", 4).With("kv_num_heads", 2).With("update_rule", rule)
		return op.Sample{Name: rule, Attrs: attrs, In: append([]*tensor.Tensor{q, k, v}, in...), Outs: 2}
	}
	scaled := of("gated_delta", graph.MakeAttrs("scale", 0.5), past, perKey, shared)
	scaled.Name += ", scale and shared beta"
	perHeadDecay := of("gated_delta", nil, nil, perHead, beta)
	perHeadDecay.Name += ", decay of a head"
	return []op.Sample{
		valuedLinearAttention(),
		of("linear", nil), of("gated", nil, past, perHead), of("delta", nil, past, nil, beta), scaled, perHeadDecay,
	}
}

// valuedLinearAttention halves the state [8] to 4, of which the key 1 recalls 4; half the way to the value 6 is 5.
func valuedLinearAttention() op.Sample {
	cell := func(x float32) *tensor.Tensor { return floats32([]int{1, 1, 1}, x) }
	return op.Sample{Name: "values", Attrs: graph.MakeAttrs("q_num_heads", 1, "kv_num_heads", 1, "scale", 1.0), Outs: 2,
		In:   []*tensor.Tensor{cell(3), cell(1), cell(6), floats32([]int{1, 1, 1, 1}, 8), cell(float32(-math.Ln2)), cell(0.5)},
		Want: []*tensor.Tensor{cell(15), floats32([]int{1, 1, 1, 1}, 5)}}
}
