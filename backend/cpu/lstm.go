package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	recurrentKernel("lstm", onnx("LSTM"), 4, func(n *graph.Node) bool { return n.Input(7) == nil },
		func(r *recurrent) int { return r.rows*r.width + r.width + 4*r.state }, bindLSTM)
}

type lstm struct {
	recurrent
	x, w, r, b, h0, c0 []float32
	y, yh, yc          []float32
	gates              []float32 // of all steps: i, o, f and c
	bias               []float32
	cell, tanhCell     []float32
	pair               [2][]float32 // of h, where Y is not asked for

	now, next []float32 // the gates and the new h of the step in progress
	cells     func(worker, lo, hi int)
}

func bindLSTM(r recurrent, _ *graph.Node, in, out []*tensor.Tensor, mem *room) func() error {
	l := &lstm{
		recurrent: r,
		x:         in[0].F32(), w: in[1].F32(), r: in[2].F32(), b: elements(in, 3), h0: elements(in, 5), c0: elements(in, 6),
		y: elements(out, 0), yh: elements(out, 1), yc: elements(out, 2),
		gates: mem.take(r.rows * r.width), bias: mem.take(r.width), cell: mem.take(r.state), tanhCell: mem.take(r.state),
		pair: [2][]float32{mem.take(r.state), mem.take(r.state)},
	}
	l.cells = l.someCells
	return func() error {
		for d := range l.Dirs {
			l.run(d)
		}
		return nil
	}
}

// inputGates computes what x and the biases give every gate of all steps.
func (r *recurrent) inputGates(gates, bias, x, w, b []float32, d int) {
	if b = r.direction(b, d); b == nil {
		clear(bias)
	} else {
		addVV(bias, b[:r.width], b[r.width:])
	}
	weights := linalg.RowMajor(r.direction(w, d), r.width, r.Input)
	r.multiply(linalg.RowMajor(gates, r.rows, r.width), linalg.RowMajor(x, r.rows, r.Input), weights.T(), 0, bias)
}

func (l *lstm) run(d int) {
	l.inputGates(l.gates, l.bias, l.x, l.w, l.b, d)
	h := l.direction(l.h0, d)
	copyOr0(l.cell, l.direction(l.c0, d))
	weights := linalg.RowMajor(l.direction(l.r, d), l.width, l.Hidden).T()
	for i := range l.Steps {
		t := l.order(d, i)
		l.now = l.gateRows(l.gates, t)
		if h != nil {
			l.multiply(linalg.RowMajor(l.now, l.Batch, l.width), linalg.RowMajor(h, l.Batch, l.Hidden), weights, 1, nil)
		}
		if l.next = l.outputs(l.y, t, d); l.next == nil {
			l.next = l.pair[i%2]
		}
		l.s.Pool.For(l.Batch, l.grain(), l.cells)
		h = l.next
	}
	copy(l.direction(l.yh, d), h)
	copy(l.direction(l.yc, d), l.cell)
}

// someCells turns the sums of the gates of some sequences into the state after the step.
func (l *lstm) someCells(_, lo, hi int) {
	for b := lo; b < hi; b++ {
		gates := l.now[b*l.width:][:l.width]
		from := b * l.Hidden
		lstmGates(gates, l.Hidden)
		lstmCell(l.cell[from:][:l.Hidden], l.cell[from:], gates)
		tanh(l.tanhCell[from:][:l.Hidden], l.cell[from:][:l.Hidden])
		mulVV(l.next[from:][:l.Hidden], gates[l.Hidden:], l.tanhCell[from:])
	}
}

// lstmGates activates i, o and f, and the new content.
func lstmGates(gates []float32, hidden int) {
	sigmoid(gates[:3*hidden], gates[:3*hidden])
	tanh(gates[3*hidden:], gates[3*hidden:])
}

// lstmCell sets after = f*before + i*c.
func lstmCell(after, before, gates []float32) {
	n := len(after)
	i, f, c, before := gates[:n], gates[2*n:][:n], gates[3*n:][:n], before[:n]
	for j := range after {
		after[j] = float32(f[j]*before[j]) + float32(i[j]*c[j])
	}
}
