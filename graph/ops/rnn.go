package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	for _, since := range []int{7, 14, 22} {
		op.Register(op.Def{
			Type: "RNN", Since: since,
			Infer:  func(n *graph.Node) error { return inferRecurrent(n, 6, 2) },
			NoGrad: []int{4},
			Grad:   func(b *op.Backward) { gradRecurrent(b, 6, 2) },
			Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
				return evalRecurrent(n, in, out, rnnOf)
			},
			Samples: func() []op.Sample { return rnnSamples(since) },
		})
	}
}

type rnnCell struct {
	w, r, b weights
	act     activation
}

func rnnOf(l *layer, d int) cell {
	return &rnnCell{l.w.of(d, l.Dirs), l.r.of(d, l.Dirs), l.b.of(d, l.Dirs), l.ofDirection(d)[0]}
}

func (c *rnnCell) step(x []float64, s cellState) (cellState, func([]float64, cellState) cellState) {
	n := len(s.h)
	pre, next := make([]float64, n), make([]float64, n)
	for j := range pre {
		pre[j] = c.b.value[j] + c.b.value[n+j]
	}
	c.w.multiply(pre, x, 0)
	c.r.multiply(pre, s.h, 0)
	for j, v := range pre {
		next[j] = c.act.f(v)
	}
	return cellState{h: next}, func(dx []float64, ds cellState) cellState {
		before, dpre := make([]float64, n), make([]float64, n)
		for j, v := range ds.h {
			dpre[j] = v * c.act.slope(pre[j], next[j])
			c.b.grad[j] += dpre[j]
			c.b.grad[n+j] += dpre[j]
		}
		c.w.back(dpre, x, dx, 0)
		c.r.back(dpre, s.h, before, 0)
		return cellState{h: before}
	}
}
