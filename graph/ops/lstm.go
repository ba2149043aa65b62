package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	for _, since := range []int{7, 14, 22} {
		op.Register(op.Def{
			Type: "LSTM", Since: since,
			Infer:  func(n *graph.Node) error { return inferRecurrent(n, 8, 3) },
			NoGrad: []int{4},
			Grad:   func(b *op.Backward) { gradRecurrent(b, 8, 3) },
			Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
				return evalRecurrent(n, in, out, lstmOf(n))
			},
			Samples: func() []op.Sample { return lstmSamples(since) },
		})
	}
}

// lstmCell has rows of weights for the gates i, o, f and c, and peepholes for i, o and f.
type lstmCell struct {
	hidden     int
	w, r, b, p weights
	act        []activation // of the gates, of the new cell, and of the cell as output
	coupled    bool         // the forget gate is 1 - i
}

func lstmOf(n *graph.Node) func(l *layer, d int) cell {
	return func(l *layer, d int) cell {
		return &lstmCell{
			hidden: l.Hidden, act: l.ofDirection(d), coupled: n.Attrs.Bool("input_forget", false),
			w: l.w.of(d, l.Dirs), r: l.r.of(d, l.Dirs), b: l.b.of(d, l.Dirs), p: l.p.of(d, l.Dirs),
		}
	}
}

// lstmUnit is one hidden unit at one step: gates, new cell content and output with their derivatives.
type lstmUnit struct {
	i, o, f, g, out      float64
	di, do, df, dg, dout float64
	before, after        float64 // of the cell
	peepI, peepO, peepF  float64
	gradI, gradO, gradF  *float64
	coupled              bool
}

func (l *lstmCell) step(x []float64, s cellState) (cellState, func([]float64, cellState) cellState) {
	n := l.hidden
	pre := make([]float64, 4*n)
	for j := range pre {
		pre[j] = l.b.value[j] + l.b.value[4*n+j]
	}
	l.w.multiply(pre, x, 0)
	l.r.multiply(pre, s.h, 0)
	next := cellState{make([]float64, n), make([]float64, n)}
	units := make([]lstmUnit, n)
	for j := range units {
		units[j] = l.unit(j, pre, s.c[j])
		next.h[j], next.c[j] = units[j].o*units[j].out, units[j].after
	}
	return next, func(dx []float64, ds cellState) cellState {
		before := cellState{make([]float64, n), make([]float64, n)}
		dpre := make([]float64, 4*n)
		for j := range units {
			before.c[j] = units[j].back(ds.h[j], ds.c[j], dpre[j:], n)
		}
		for j, v := range dpre {
			l.b.grad[j] += v
			l.b.grad[4*n+j] += v
		}
		l.w.back(dpre, x, dx, 0)
		l.r.back(dpre, s.h, before.h, 0)
		return before
	}
}

// unit computes unit j from the gates' sums and the cell's content.
func (l *lstmCell) unit(j int, pre []float64, cell float64) lstmUnit {
	n := l.hidden
	u := lstmUnit{before: cell, coupled: l.coupled, peepI: l.p.value[j], peepO: l.p.value[n+j], peepF: l.p.value[2*n+j],
		gradI: &l.p.grad[j], gradO: &l.p.grad[n+j], gradF: &l.p.grad[2*n+j]}
	apply := func(a activation, x float64) (y, slope float64) {
		y = a.f(x)
		return y, a.slope(x, y)
	}
	gate, content, output := l.act[0], l.act[1], l.act[2]
	u.i, u.di = apply(gate, pre[j]+u.peepI*cell)
	u.f, u.df = apply(gate, pre[2*n+j]+u.peepF*cell)
	if l.coupled {
		u.f, u.df = 1-u.i, 0
	}
	u.g, u.dg = apply(content, pre[3*n+j])
	u.after = u.f*cell + u.i*u.g
	u.o, u.do = apply(gate, pre[n+j]+u.peepO*u.after)
	u.out, u.dout = apply(output, u.after)
	return u
}

// back takes the gradients of the unit's h and c to those of its gates' sums, which are n apart, and returns that of c
// before the step.
func (u *lstmUnit) back(dh, dc float64, dpre []float64, n int) float64 {
	do := dh * u.out * u.do
	dc += dh*u.o*u.dout + do*u.peepO
	di, df := dc*u.g, dc*u.before
	if u.coupled {
		di -= df
	}
	di *= u.di
	df *= u.df
	dpre[0], dpre[n], dpre[2*n], dpre[3*n] = di, do, df, dc*u.i*u.dg
	*u.gradI += di * u.before
	*u.gradO += do * u.after
	*u.gradF += df * u.before
	return dc*u.f + di*u.peepI + df*u.peepF
}
