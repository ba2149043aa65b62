package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	for _, since := range []int{7, 14, 22} {
		op.Register(op.Def{
			Type: "GRU", Since: since,
			Infer:  func(n *graph.Node) error { return inferRecurrent(n, 6, 2) },
			NoGrad: []int{4},
			Grad:   func(b *op.Backward) { gradRecurrent(b, 6, 2) },
			Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
				return evalRecurrent(n, in, out, gruOf(n))
			},
			Samples: func() []op.Sample { return gruSamples(since) },
		})
	}
}

// gruCell has rows of weights for the gates z, r and h.
type gruCell struct {
	hidden  int
	w, r, b weights
	act     []activation // of the gates and of the new content
	linear  bool         // the reset gate scales R*h instead of h
}

func gruOf(n *graph.Node) func(l *layer, d int) cell {
	return func(l *layer, d int) cell {
		return &gruCell{
			hidden: l.Hidden, act: l.ofDirection(d), linear: n.Attrs.Bool("linear_before_reset", false),
			w: l.w.of(d, l.Dirs), r: l.r.of(d, l.Dirs), b: l.b.of(d, l.Dirs),
		}
	}
}

// gruStep is what a step computes: the sums pre that enter the gates' activations, the gates z, r and content after
// them, and what R's last rows are multiplied with and give.
type gruStep struct {
	x, h     []float64
	pre      []float64
	gates    []float64
	reset, q []float64
}

func (g *gruCell) step(x []float64, s cellState) (cellState, func([]float64, cellState) cellState) {
	n := g.hidden
	t := &gruStep{x: x, h: s.h, pre: make([]float64, 3*n), gates: make([]float64, 3*n), reset: s.h, q: make([]float64, n)}
	copy(t.pre, g.b.value[:3*n])
	g.w.multiply(t.pre, x, 0)
	g.r.multiply(t.pre[:2*n], s.h, 0)
	for j := range 2 * n {
		t.pre[j] += g.b.value[3*n+j]
		t.gates[j] = g.act[0].f(t.pre[j])
	}
	if !g.linear {
		t.reset = make([]float64, n)
		for j, v := range s.h {
			t.reset[j] = t.gates[n+j] * v
		}
	}
	copy(t.q, g.b.value[5*n:])
	g.r.multiply(t.q, t.reset, 2*n)
	next := make([]float64, n)
	for j, q := range t.q {
		if g.linear {
			q *= t.gates[n+j]
		}
		t.pre[2*n+j] += q
		t.gates[2*n+j] = g.act[1].f(t.pre[2*n+j])
		z := t.gates[j]
		next[j] = (1-z)*t.gates[2*n+j] + z*s.h[j]
	}
	return cellState{h: next}, func(dx []float64, ds cellState) cellState { return g.back(t, dx, ds.h) }
}

func (g *gruCell) back(t *gruStep, dx, dh []float64) cellState {
	n := g.hidden
	before, dpre, dq, dreset := make([]float64, n), make([]float64, 3*n), make([]float64, n), make([]float64, n)
	for j, v := range dh {
		z, r, content := t.gates[j], t.gates[n+j], t.gates[2*n+j]
		before[j] = v * z
		dpre[j] = v * (t.h[j] - content) * g.act[0].slope(t.pre[j], z)
		dpre[2*n+j] = v * (1 - z) * g.act[1].slope(t.pre[2*n+j], content)
		dq[j] = dpre[2*n+j]
		if g.linear {
			dq[j] *= r
		}
	}
	g.r.back(dq, t.reset, dreset, 2*n)
	for j := range n {
		r := t.gates[n+j]
		dr := dpre[2*n+j] * t.q[j]
		if g.linear {
			before[j] += dreset[j]
		} else {
			before[j] += dreset[j] * r
			dr = dreset[j] * t.h[j]
		}
		dpre[n+j] = dr * g.act[0].slope(t.pre[n+j], r)
	}
	g.r.back(dpre[:2*n], t.h, before, 0)
	g.w.back(dpre, t.x, dx, 0)
	for j, v := range dpre {
		g.b.grad[j] += v
		if j < 2*n {
			g.b.grad[3*n+j] += v
		} else {
			g.b.grad[3*n+j] += dq[j-2*n]
		}
	}
	return cellState{h: before}
}
