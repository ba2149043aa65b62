package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	recurrentKernel("gru", onnx("GRU"), 3, func(*graph.Node) bool { return true },
		func(r *recurrent) int { return r.rows*r.width + 2*r.width + 4*r.state }, bindGRU)
}

type gru struct {
	recurrent
	linear                bool // the reset gate scales R*h instead of h
	x, w, r, b, h0        []float32
	y, yh                 []float32
	gates                 []float32 // of all steps: z, r and the new content
	bias, contentBias     []float32
	zeros, product        []float32 // the initial state if none is given; what the last rows of R give
	pair                  [2][]float32
	h, now, next          []float32 // the state, gates and new state of the step in progress
	resetBody, updateBody func(worker, lo, hi int)
}

func bindGRU(r recurrent, n *graph.Node, in, out []*tensor.Tensor, mem *room) func() error {
	g := &gru{
		recurrent: r, linear: n.Attrs.Bool("linear_before_reset", false),
		x: in[0].F32(), w: in[1].F32(), r: in[2].F32(), b: elements(in, 3), h0: elements(in, 5),
		y: elements(out, 0), yh: elements(out, 1),
		gates: mem.take(r.rows * r.width), bias: mem.take(r.width), contentBias: mem.take(r.width)[:r.Hidden],
		zeros: mem.take(r.state), product: mem.take(r.state), pair: [2][]float32{mem.take(r.state), mem.take(r.state)},
	}
	g.resetBody, g.updateBody = g.resets, g.updates
	return func() error {
		for d := range g.Dirs {
			g.run(d)
		}
		return nil
	}
}

// gruGates computes what x and the biases give every gate of all steps, and leaves the bias of the last rows of R, which
// the reset gate may scale, in content.
func (r *recurrent) gruGates(gates, bias, content, x, w, b []float32, d int) {
	clear(bias)
	clear(content)
	if b = r.direction(b, d); b != nil {
		n := r.Hidden
		addVV(bias[:2*n], b[:2*n], b[3*n:])
		copy(bias[2*n:], b[2*n:3*n])
		copy(content, b[5*n:])
	}
	weights := linalg.RowMajor(r.direction(w, d), r.width, r.Input)
	r.multiply(linalg.RowMajor(gates, r.rows, r.width), linalg.RowMajor(x, r.rows, r.Input), weights.T(), 0, bias)
}

// part is a matrix of the gates [from, to) of rows of all gates.
func (r *recurrent) part(rows []float32, from, to int) linalg.Mat {
	return linalg.Mat{Data: rows[from*r.Hidden:], Rows: len(rows) / r.width, Cols: (to - from) * r.Hidden, RowStride: r.width, ColStride: 1}
}

// gruWeights are the rows of R for z and r, and for the new content.
func (r *recurrent) gruWeights(weights []float32, d int) (gates, content linalg.Mat) {
	weights = r.direction(weights, d)
	n := r.Hidden
	return linalg.RowMajor(weights, 2*n, n), linalg.RowMajor(weights[2*n*n:], n, n)
}

func (g *gru) run(d int) {
	g.gruGates(g.gates, g.bias, g.contentBias, g.x, g.w, g.b, d)
	gates, content := g.gruWeights(g.r, d)
	clear(g.zeros)
	g.h = g.zeros
	if g.h0 != nil {
		g.h = g.direction(g.h0, d)
	}
	product := linalg.RowMajor(g.product, g.Batch, g.Hidden)
	for i := range g.Steps {
		t := g.order(d, i)
		g.now = g.gateRows(g.gates, t)
		if g.next = g.outputs(g.y, t, d); g.next == nil {
			g.next = g.pair[i%2]
		}
		h := linalg.RowMajor(g.h, g.Batch, g.Hidden)
		g.multiply(g.part(g.now, 0, 2), h, gates.T(), 1, nil)
		g.s.Pool.For(g.Batch, g.grain(), g.resetBody)
		if !g.linear {
			h.Data = g.next // which holds r*h until the new state takes its place
		}
		g.multiply(product, h, content.T(), 0, g.contentBias)
		g.s.Pool.For(g.Batch, g.grain(), g.updateBody)
		g.h = g.next
	}
	copy(g.direction(g.yh, d), g.h)
}

// resets activates z and r and, if R is to see that, scales h by r.
func (g *gru) resets(_, lo, hi int) {
	n := g.Hidden
	for b := lo; b < hi; b++ {
		gates := g.now[b*g.width:][:2*n]
		sigmoid(gates, gates)
		if !g.linear {
			mulVV(g.next[b*n:][:n], g.h[b*n:], gates[n:])
		}
	}
}

// updates computes the new content and state: (1-z)*content + z*h.
func (g *gru) updates(_, lo, hi int) {
	n := g.Hidden
	for b := lo; b < hi; b++ {
		gates := g.now[b*g.width:][:g.width]
		gruContent(gates[2*n:], gates[n:], g.product[b*n:], g.linear)
		z, content, h, next := gates[:n], gates[2*n:][:n], g.h[b*n:][:n], g.next[b*n:][:n]
		for j := range next {
			next[j] = content[j] + float32(z[j]*(h[j]-content[j]))
		}
	}
}

// gruContent activates the sum of content and product, which with linear the reset gate scales.
func gruContent(content, reset, product []float32, linear bool) {
	reset, product = reset[:len(content)], product[:len(content)]
	if linear {
		for j := range content {
			content[j] += float32(reset[j] * product[j])
		}
	} else {
		addVV(content, content, product)
	}
	tanh(content, content)
}
