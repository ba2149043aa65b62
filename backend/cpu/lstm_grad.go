package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	recurrentKernel("lstm_grad", graph.OpID{Domain: op.Internal, Type: "LSTMGrad"}, 4,
		func(n *graph.Node) bool { return n.Input(7) == nil && n.Input(8) != nil && n.Output(6) == nil },
		func(r *recurrent) int { return r.rows*r.width + 2*r.width + 3*r.rows*r.Hidden + 3*r.state }, bindLSTMGrad)
}

// lstmGrad computes the gates of all steps again, from X and the states in Y, then goes back through the steps, at each
// of which the gradients of the gates' sums take the gates' place, and ends with products over all of them.
type lstmGrad struct {
	recurrent
	x, w, r, b, h0, c0, y            []float32
	dy, dyh, dyc                     []float32 // nil: none arrives
	dx, dw, dr, db, dh0, dc0         []float32 // nil: not asked for
	gates, bias                      []float32
	before, cell, tanhCell           []float32 // of all steps: h before, c after, and tanh of that
	dh, dc, initial                  []float32
	t, d                             int // the step and direction in progress
	sums                             *columnSums
	activate, scanCells, backThrough func(worker, lo, hi int)
}

func bindLSTMGrad(r recurrent, _ *graph.Node, in, out []*tensor.Tensor, mem *room) func() error {
	g := &lstmGrad{
		recurrent: r,
		x:         in[0].F32(), w: in[1].F32(), r: in[2].F32(), b: elements(in, 3), h0: elements(in, 5), c0: elements(in, 6),
		y: in[8].F32(), dy: elements(in, 9), dyh: elements(in, 10), dyc: elements(in, 11),
		dx: elements(out, 0), dw: elements(out, 1), dr: elements(out, 2), db: elements(out, 3), dh0: elements(out, 4), dc0: elements(out, 5),
		gates: mem.take(r.rows * r.width), bias: mem.take(r.width),
		before: mem.take(r.rows * r.Hidden), cell: mem.take(r.rows * r.Hidden), tanhCell: mem.take(r.rows * r.Hidden),
		dh: mem.take(r.state), dc: mem.take(r.state), initial: mem.take(r.state),
		sums: newColumnSums(r.width),
	}
	g.activate, g.scanCells, g.backThrough = g.someGates, g.someSequences, g.someUnits
	return func() error {
		for g.d = range g.Dirs {
			g.forward()
			g.back()
			g.weights()
		}
		return nil
	}
}

// forward computes the gates and cells of all steps.
func (g *lstmGrad) forward() {
	g.inputGates(g.gates, g.bias, g.x, g.w, g.b, g.d)
	g.statesBefore(g.before, g.y, g.h0, g.d)
	weights := linalg.RowMajor(g.direction(g.r, g.d), g.width, g.Hidden)
	g.multiply(linalg.RowMajor(g.gates, g.rows, g.width), linalg.RowMajor(g.before, g.rows, g.Hidden), weights.T(), 1, nil)
	g.s.Pool.For(g.rows, g.grain(), g.activate)
	copyOr0(g.initial, g.direction(g.c0, g.d))
	g.s.Pool.For(g.Batch, 1, g.scanCells)
}

func (g *lstmGrad) someGates(_, lo, hi int) {
	for i := lo; i < hi; i++ {
		lstmGates(g.gates[i*g.width:][:g.width], g.Hidden)
	}
}

// someSequences computes the cells of some sequences, step after step.
func (g *lstmGrad) someSequences(_, lo, hi int) {
	n := g.Hidden
	for b := lo; b < hi; b++ {
		before := g.initial[b*n:][:n]
		for i := range g.Steps {
			row := g.order(g.d, i)*g.Batch + b
			cell := g.cell[row*n:][:n]
			lstmCell(cell, before, g.gates[row*g.width:][:g.width])
			tanh(g.tanhCell[row*n:][:n], cell)
			before = cell
		}
	}
}

// back goes through the steps from the last to the first.
func (g *lstmGrad) back() {
	copyOr0(g.dh, g.direction(g.dyh, g.d))
	copyOr0(g.dc, g.direction(g.dyc, g.d))
	weights := linalg.RowMajor(g.direction(g.r, g.d), g.width, g.Hidden)
	dh := linalg.RowMajor(g.dh, g.Batch, g.Hidden)
	for i := g.Steps - 1; i >= 0; i-- {
		g.t = i
		g.s.Pool.For(g.Batch, g.grain(), g.backThrough)
		if i > 0 || g.dh0 != nil {
			g.multiply(dh, linalg.RowMajor(g.gateRows(g.gates, g.order(g.d, i)), g.Batch, g.width), weights, 0, nil)
		}
	}
	copy(g.direction(g.dh0, g.d), g.dh)
	copy(g.direction(g.dc0, g.d), g.dc)
}

// someUnits takes the gradients of h and c of some sequences back through step number t.
func (g *lstmGrad) someUnits(_, lo, hi int) {
	n := g.Hidden
	t := g.order(g.d, g.t)
	dy := g.outputs(g.dy, t, g.d)
	before := g.initial
	if g.t > 0 {
		before = g.states(g.cell, g.order(g.d, g.t-1))
	}
	for b := lo; b < hi; b++ {
		row, at := t*g.Batch+b, b*n
		if dy != nil {
			addVV(g.dh[at:][:n], g.dh[at:], dy[at:])
		}
		lstmUnits(g.gates[row*g.width:][:g.width], g.dc[at:][:n], g.dh[at:], before[at:], g.tanhCell[row*n:])
	}
}

// lstmUnits replaces gates by the gradients of their sums, and dc by the gradient of the cell before the step.
func lstmUnits(gates, dc, dh, before, tanhCell []float32) {
	n := len(dc)
	i, o, f, c := gates[:n], gates[n:][:n], gates[2*n:][:n], gates[3*n:][:n]
	dh, before, tanhCell = dh[:n], before[:n], tanhCell[:n]
	for j := range dc {
		iv, ov, fv, cv, th := i[j], o[j], f[j], c[j], tanhCell[j]
		d := dc[j] + float32(dh[j]*ov*(1-float32(th*th)))
		o[j] = dh[j] * th * ov * (1 - ov)
		i[j] = d * cv * iv * (1 - iv)
		f[j] = d * before[j] * fv * (1 - fv)
		c[j] = d * iv * (1 - float32(cv*cv))
		dc[j] = d * fv
	}
}

// weights computes what sums over all steps.
func (g *lstmGrad) weights() {
	dgates := linalg.RowMajor(g.gates, g.rows, g.width)
	if g.dx != nil {
		// The second direction adds to what the first one has written.
		g.multiply(linalg.RowMajor(g.dx, g.rows, g.Input), dgates, linalg.RowMajor(g.direction(g.w, g.d), g.width, g.Input),
			float32(min(g.d, 1)), nil)
	}
	if dw := g.direction(g.dw, g.d); dw != nil {
		g.multiply(linalg.RowMajor(dw, g.width, g.Input), dgates.T(), linalg.RowMajor(g.x, g.rows, g.Input), 0, nil)
	}
	if dr := g.direction(g.dr, g.d); dr != nil {
		g.multiply(linalg.RowMajor(dr, g.width, g.Hidden), dgates.T(), linalg.RowMajor(g.before, g.rows, g.Hidden), 0, nil)
	}
	if db := g.direction(g.db, g.d); db != nil {
		g.sums.run(g.s, db[:g.width], g.gates)
		copy(db[g.width:], db[:g.width])
	}
}
