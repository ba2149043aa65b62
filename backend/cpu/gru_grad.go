package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	recurrentKernel("gru_grad", graph.OpID{Domain: op.Internal, Type: "GRUGrad"}, 3,
		func(n *graph.Node) bool { return n.Input(6) != nil },
		func(r *recurrent) int { return r.rows*r.width + 3*r.width + 3*r.rows*r.Hidden + 2*r.state }, bindGRUGrad)
}

// gruGrad computes the gates of all steps again, from X and the states in Y, then goes back through the steps, at each
// of which the gradients of the gates' sums take the gates' place, and ends with products over all of them.
type gruGrad struct {
	recurrent
	linear                           bool
	x, w, r, b, h0, y                []float32
	dy, dyh                          []float32 // nil: none arrives
	dx, dw, dr, db, dh0              []float32 // nil: not asked for
	gates, bias, contentBias         []float32
	before                           []float32 // of all steps: h before
	scaled                           []float32 // what the last rows of R see: h, or r*h
	product                          []float32 // what they give, then its gradient
	dh, dscaled                      []float32
	t, d                             int // the step and direction in progress
	sums, contentSums                *columnSums
	activate, contents, units, joint func(worker, lo, hi int)
}

func bindGRUGrad(r recurrent, n *graph.Node, in, out []*tensor.Tensor, mem *room) func() error {
	g := &gruGrad{
		recurrent: r, linear: n.Attrs.Bool("linear_before_reset", false),
		x: in[0].F32(), w: in[1].F32(), r: in[2].F32(), b: elements(in, 3), h0: elements(in, 5),
		y: in[6].F32(), dy: elements(in, 7), dyh: elements(in, 8),
		dx: elements(out, 0), dw: elements(out, 1), dr: elements(out, 2), db: elements(out, 3), dh0: elements(out, 4),
		gates: mem.take(r.rows * r.width), bias: mem.take(r.width), contentBias: mem.take(r.Hidden),
		before: mem.take(r.rows * r.Hidden), product: mem.take(r.rows * r.Hidden),
		dh: mem.take(r.state), dscaled: mem.take(r.state), sums: newColumnSums(r.width), contentSums: newColumnSums(r.Hidden),
	}
	g.scaled = g.before
	if !g.linear {
		g.scaled = mem.take(r.rows * r.Hidden)
	}
	g.activate, g.contents, g.units, g.joint = g.someGates, g.someContents, g.someUnits, g.someResets
	return func() error {
		for g.d = range g.Dirs {
			g.forward()
			g.back()
			g.weights()
		}
		return nil
	}
}

// forward computes the gates of all steps.
func (g *gruGrad) forward() {
	g.gruGates(g.gates, g.bias, g.contentBias, g.x, g.w, g.b, g.d)
	g.statesBefore(g.before, g.y, g.h0, g.d)
	gates, content := g.gruWeights(g.r, g.d)
	g.multiply(g.part(g.gates, 0, 2), linalg.RowMajor(g.before, g.rows, g.Hidden), gates.T(), 1, nil)
	g.s.Pool.For(g.rows, g.grain(), g.activate)
	g.multiply(linalg.RowMajor(g.product, g.rows, g.Hidden), linalg.RowMajor(g.scaled, g.rows, g.Hidden), content.T(), 0, g.contentBias)
	g.s.Pool.For(g.rows, g.grain(), g.contents)
}

func (g *gruGrad) someGates(_, lo, hi int) {
	n := g.Hidden
	for i := lo; i < hi; i++ {
		gates := g.gates[i*g.width:][:2*n]
		sigmoid(gates, gates)
		if !g.linear {
			mulVV(g.scaled[i*n:][:n], g.before[i*n:], gates[n:])
		}
	}
}

func (g *gruGrad) someContents(_, lo, hi int) {
	n := g.Hidden
	for i := lo; i < hi; i++ {
		gates := g.gates[i*g.width:][:g.width]
		gruContent(gates[2*n:], gates[n:], g.product[i*n:], g.linear)
	}
}

// back goes through the steps from the last to the first.
func (g *gruGrad) back() {
	copyOr0(g.dh, g.direction(g.dyh, g.d))
	gates, content := g.gruWeights(g.r, g.d)
	grain := g.grain()
	dh := linalg.RowMajor(g.dh, g.Batch, g.Hidden)
	for i := g.Steps - 1; i >= 0; i-- {
		g.t = g.order(g.d, i)
		g.s.Pool.For(g.Batch, grain, g.units)
		dproduct := linalg.RowMajor(g.states(g.product, g.t), g.Batch, g.Hidden)
		if g.linear {
			g.multiply(dh, dproduct, content, 1, nil)
		} else {
			g.multiply(linalg.RowMajor(g.dscaled, g.Batch, g.Hidden), dproduct, content, 0, nil)
			g.s.Pool.For(g.Batch, grain, g.joint)
		}
		g.multiply(dh, g.part(g.gateRows(g.gates, g.t), 0, 2), gates, 1, nil)
	}
	copy(g.direction(g.dh0, g.d), g.dh)
}

// someUnits takes the gradient of h of some sequences back through a step, as far as it goes without products.
func (g *gruGrad) someUnits(_, lo, hi int) {
	n := g.Hidden
	dy := g.outputs(g.dy, g.t, g.d)
	for b := lo; b < hi; b++ {
		row, dh := g.t*g.Batch+b, g.dh[b*n:][:n]
		if dy != nil {
			addVV(dh, dh, dy[b*n:])
		}
		gates := g.gates[row*g.width:][:g.width]
		gruUnits(gates, dh, g.before[row*n:], g.product[row*n:], g.linear)
	}
}

// gruUnits replaces z, the new content and, with linear, r by the gradients of their sums, product by its gradient and
// dh by what reaches the state before past the gates.
func gruUnits(gates, dh, before, product []float32, linear bool) {
	n := len(dh)
	z, r, content, before, product := gates[:n], gates[n:][:n], gates[2*n:][:n], before[:n], product[:n]
	for j, d := range dh {
		zv, rv, c := z[j], r[j], content[j]
		dc := d * (1 - zv) * (1 - float32(c*c))
		dh[j] = d * zv
		z[j] = d * (before[j] - c) * zv * (1 - zv)
		content[j] = dc
		if linear {
			r[j] = dc * product[j] * rv * (1 - rv)
			product[j] = dc * rv
		} else {
			product[j] = dc
		}
	}
}

// someResets takes the gradient of r*h to h and r, which the gradient of its sum replaces.
func (g *gruGrad) someResets(_, lo, hi int) {
	n := g.Hidden
	for b := lo; b < hi; b++ {
		row := g.t*g.Batch + b
		r, before := g.gates[row*g.width+n:][:n], g.before[row*n:][:n]
		dh, dscaled := g.dh[b*n:][:n], g.dscaled[b*n:][:n]
		for j, d := range dscaled {
			dh[j] += float32(d * r[j])
			r[j] = d * before[j] * r[j] * (1 - r[j])
		}
	}
}

// weights computes what sums over all steps.
func (g *gruGrad) weights() {
	n := g.Hidden
	dgates := linalg.RowMajor(g.gates, g.rows, g.width)
	if g.dx != nil {
		// The second direction adds to what the first one has written.
		g.multiply(linalg.RowMajor(g.dx, g.rows, g.Input), dgates, linalg.RowMajor(g.direction(g.w, g.d), g.width, g.Input),
			float32(min(g.d, 1)), nil)
	}
	if dw := g.direction(g.dw, g.d); dw != nil {
		g.multiply(linalg.RowMajor(dw, g.width, g.Input), dgates.T(), linalg.RowMajor(g.x, g.rows, g.Input), 0, nil)
	}
	if g.dr != nil {
		gates, content := g.gruWeights(g.dr, g.d)
		dgates, dproduct := g.part(g.gates, 0, 2), linalg.RowMajor(g.product, g.rows, n)
		g.multiply(gates, dgates.T(), linalg.RowMajor(g.before, g.rows, n), 0, nil)
		g.multiply(content, dproduct.T(), linalg.RowMajor(g.scaled, g.rows, n), 0, nil)
	}
	if db := g.direction(g.db, g.d); db != nil {
		g.sums.run(g.s, db[:g.width], g.gates)
		copy(db[g.width:], db[:2*n])
		g.contentSums.run(g.s, db[5*n:], g.product)
	}
}
