package ops

import (
	"math"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	op.Register(op.Def{
		Domain: op.Internal, Type: "LinearAttentionGrad", Since: 1,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 3, 8); err != nil {
				return err
			}
			if _, err := linearAttentionOf(n); err != nil {
				return err
			}
			for i := range n.Out {
				dt, shape := typeOf(n, 0), tensor.Shape{0}
				if v := n.Input(i); v != nil {
					dt, shape = v.Type.DType, v.Type.Shape
				}
				if err := set(n, i, dt, shape); err != nil {
					return err
				}
			}
			return nil
		},
		Eval:    evalLinearAttentionGrad,
		Samples: linearAttentionGradSamples,
	})
}

func evalLinearAttentionGrad(n *graph.Node, in, out []*tensor.Tensor) error {
	l, err := linearAttentionOf(n)
	if err != nil {
		return err
	}
	x := l.read(in)
	g := linearGradients{}
	for i := range g.in {
		g.in[i] = make([]float64, len(x[i]))
	}
	if t := optional(in, 6); t != nil {
		g.y = t.Float64s()
	}
	var arriving []float64
	if t := optional(in, 7); t != nil {
		arriving = t.Float64s()
	}
	for b := range l.batch {
		for h := range l.kvHeads {
			g.head(newLinearState(&l, x, b, h), arriving)
		}
	}
	for i, d := range g.in {
		if optional(out, i) != nil {
			out[i].SetFloat64s(d)
		}
	}
	return nil
}

// linearGradients are the gradients of the inputs as far as they are summed up.
type linearGradients struct {
	in linearInputs
	y  []float64 // that arrives at the results; nil when none does
	m  []float64 // of the state
}

// head goes forward through the steps of one head, keeping every state, and then back.
func (g *linearGradients) head(s *linearState, arriving []float64) {
	at := (s.b*s.kvHeads + s.head) * len(s.m)
	g.m = make([]float64, len(s.m))
	if arriving != nil {
		copy(g.m, arriving[at:])
	}
	before := make([][]float64, s.steps)
	for t := range s.steps {
		before[t] = slices.Clone(s.m)
		s.step(t)
	}
	for t := s.steps - 1; t >= 0; t-- {
		s.m = before[t]
		s.step(t)
		g.step(s, t)
	}
	if g.in[3] != nil && s.x[3] != nil {
		copy(g.in[3][at:], g.m)
	}
}

// step goes back through step t, which s has just done.
func (g *linearGradients) step(s *linearState, t int) {
	width := s.valueSize
	g.results(s, t)
	key, dkey, dvalue := s.x[1][s.keyAt(t):], g.in[1][s.keyAt(t):], g.in[2][s.valueAt(t):]
	written := make([]float64, width) // gradient of s.written
	for i := range s.size {
		for j, w := range s.written {
			dkey[i] += g.m[i*width+j] * w
			written[j] += g.m[i*width+j] * key[i]
		}
	}
	for j, d := range written {
		if s.betaHeads == 0 {
			dvalue[j] += d
			continue
		}
		// written = beta (value - recall), and recall is the decayed state times the key.
		at := s.betaAt(t)
		g.in[5][at] += d * (s.x[2][s.valueAt(t)+j] - s.recall[j])
		d *= s.x[5][at]
		dvalue[j] += d
		for i := range s.size {
			dkey[i] -= d * s.decayed[i*width+j]
			g.m[i*width+j] -= d * key[i]
		}
	}
	if s.decaySize == 0 {
		return
	}
	for i := range s.size {
		at := s.decayAt(t, i)
		keep := math.Exp(s.x[4][at])
		for j := range width {
			g.in[4][at] += g.m[i*width+j] * s.decayed[i*width+j]
			g.m[i*width+j] *= keep
		}
	}
}

// results goes back through what the queries of step t found in the state.
func (g *linearGradients) results(s *linearState, t int) {
	if g.y == nil {
		return
	}
	for h := range s.heads / s.kvHeads {
		query, dquery := s.x[0][s.queryAt(t, h):], g.in[0][s.queryAt(t, h):]
		for j, d := range g.y[s.resultAt(t, h):][:s.valueSize] {
			for i := range s.size {
				dquery[i] += s.scale * d * s.m[i*s.valueSize+j]
				g.m[i*s.valueSize+j] += s.scale * d * query[i]
			}
		}
	}
}

// linearAttentionGradSamples add gradients to the samples of LinearAttention. The first is derived by hand: the result is 3 m with
// m = 4 + beta (6 - 4), whose gradient is 2.
func linearAttentionGradSamples() []op.Sample {
	all := linearAttentionSamples()
	for i := range all {
		s := &all[i]
		s.In = append(s.In, make([]*tensor.Tensor, 6-len(s.In))...)
		s.In, s.Outs, s.Want = append(s.In, op.Normalish(11, 2, 3, 12), op.Normalish(12, 2, 2, 2, 3)), 6, nil
	}
	cell := func(x float32) *tensor.Tensor { return floats32([]int{1, 1, 1}, x) }
	first := &all[0]
	first.In = append(first.In[:6:6], cell(2))
	first.Want = []*tensor.Tensor{cell(10), cell(-6), cell(3), floats32([]int{1, 1, 1, 1}, 1.5), cell(12), cell(12)}
	return all
}
