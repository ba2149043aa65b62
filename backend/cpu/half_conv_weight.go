package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	Register(Kernel{
		Name: "conv_grad_weight/bf16", Op: graph.OpID{Domain: op.Internal, Type: "ConvGradWeight"}, Rank: 1, Half: hasHalf,
		Tol: Tol{Abs: 1e-3, Rel: 1e-4},
		When: func(n *graph.Node) bool {
			return typesAre(n, tensor.Float32, tensor.BFloat16Type, tensor.BFloat16Type) && halfWeightOf(n) != nil
		},
		Scratch: func(n *graph.Node, threads int) int { return halfWeightOf(n).scratch(threads) },
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			r := &halfWeightRun{halfWeight: halfWeightOf(n), pool: s.Pool, dy: halfElements(in[0]), x: halfElements(in[1]), dw: out[0].F32()}
			return r.bind(s), nil
		},
	})
}

// halfWeight is the gradient of a convolution's weights: for each element of the filter a product of the planes of x, displaced
// by it, and dy with its channels last, over all pixels. The pairs of such a product are those of two images, so that
// displacements are whole pairs. Where there are few channels, what all elements of the filter see of them are the rows of one
// product.
//
// The sum over the batch is one of parts, of images in their order, when the weights are few, and else of fills, one after the other.
type halfWeight struct {
	*conv2d
	sweeper   linalg.Sweeper
	in        halfPlanes
	sections  int
	gather    bool
	taps      []int // displacements
	rows      int   // of products: channels, or all elements of a filter
	positions int   // of the pixels of images side by side, with those between rows, in whole blocks
	blocks    int   // of them
	columns   int   // of the pixels themselves
	joins     int   // images side by side in the batch
	some      int   // of them in a fill
	part      int   // of them in a part
	parts     int
	panels    int // of output channels
	width     int // of a panel of sums
	line      int // elements of a row of products
	a, b      []int
}

const (
	halfWeightBytes  = 768 << 10 // of a fill
	halfWeightAll    = 6 << 20   // of one that all workers sum
	halfWeightParts  = 8
	halfWeightGather = 8       // channels up to which all elements of the filter are rows of one product
	halfWeightFew    = 1 << 17 // weights of a part
)

func halfWeightOf(n *graph.Node) *halfWeight {
	v, ok := conv2dOf(n)
	if !ok || max(v.sh, v.sw) > directStride || v.ph < 0 || v.pw < 0 || v.g > 1 && min(v.c, v.m) < 8 {
		return nil
	}
	d := v.forwardDirect()
	d.n = ceilDiv(v.n, 2)
	h := &halfWeight{conv2d: v, sweeper: d.sweeper}
	if !h.join(d) {
		return nil
	}
	h.joins = ceilDiv(d.n, d.in.join)
	h.gather = v.c <= halfWeightGather && v.taps() > 1
	h.panels = ceilDiv(v.m, linalg.HalfCols)
	h.divide()
	h.section(d)
	h.fill()
	h.place(d)
	return h
}

// join chooses how many pairs of images lie side by side; false where rows cannot be put together.
func (h *halfWeight) join(d *direct) bool {
	best := 0.0
	for join := 1; join <= min(directJoin, d.sweeper.Lanes(), d.n); join *= 2 {
		t := *d
		t.arrange(join)
		if t.in.sources() > directSource {
			continue
		}
		t.flat = true
		useful := float64(t.rows*t.cols*join) / float64(roundUp(t.columns(t.rows), linalg.HalfSteps/2))
		if planes := (halfPlanes{padded: t.in}); planes.whole() {
			useful *= 1.2 // nothing is woven
		}
		if useful > best*1.05 {
			best = useful
			*d = t
		}
	}
	return best > 0
}

// section cuts dy's rows so that a fill fits a cache.
func (h *halfWeight) section(d *direct) {
	p := &d.in
	halo := p.rows - d.rows
	perRow, most := 4*p.pitch*(h.c*p.sh*p.sw+h.panels*linalg.HalfCols), halfWeightBytes
	if h.parts == 1 {
		most = halfWeightAll / 2
	}
	each := max(1, most/perRow-halo, min(directHalo*halo, d.rows))
	if h.gather {
		perRow += 4 * p.pitch * h.filter()
		each = max(1, most/perRow) // planes and what their sections have in common are small beside what is gathered
	}
	p.each = ceilDiv(d.rows, ceilDiv(d.rows, each))
	p.sections = ceilDiv(d.rows, p.each)
	h.sections = p.sections
	p.rows = p.each + halo
	h.in = halfPlanes{padded: *p}
	h.in.lay()
	h.columns = d.columns(p.each)
	h.positions = roundUp(h.columns, linalg.HalfSteps/2)
	h.blocks = h.positions / (linalg.HalfSteps / 2)
}

// divide chooses the parts of the batch.
func (h *halfWeight) divide() {
	h.parts, h.part = 1, h.joins
	if h.g*h.m*h.filter() <= halfWeightFew {
		h.part = ceilDiv(h.joins, halfWeightParts)
		h.parts = ceilDiv(h.joins, h.part)
	}
}

// fill chooses the rows of products, and the images of a fill.
func (h *halfWeight) fill() {
	h.rows, h.line = h.c, h.in.apart
	if h.gather {
		h.rows, h.line = h.filter(), h.positions
		if h.line/16%8 == 0 {
			h.line += 16
		}
	}
	limit := halfWeightBytes
	if h.parts == 1 {
		limit = halfWeightAll
	}
	h.some = 1
	if h.sections == 1 {
		h.some = max(1, min(h.part, limit/(4*(h.xSize()+h.panels*h.positions*linalg.HalfCols))))
	}
	h.width = min(h.m, linalg.HalfCols)
}

// place computes where blocks lie in a fill.
func (h *halfWeight) place(d *direct) {
	for _, t := range d.sets[0].taps {
		h.taps = append(h.taps, h.in.at(t.row, t.col))
	}
	for i := range h.some {
		for block := range h.blocks {
			at := block * linalg.HalfSteps / 2
			h.a = append(h.a, 2*(i*h.xSize()+at))
			h.b = append(h.b, 2*(i*h.positions+at)*linalg.HalfCols)
		}
	}
}

// xSize is the elements of the rows of a product of images side by side.
func (h *halfWeight) xSize() int { return h.rows * h.line }

// panel is the number of sums of a panel, and sums those of a group.
func (h *halfWeight) panel() int { return h.width * h.filter() }
func (h *halfWeight) sums() int  { return h.panels * h.panel() }

// sizes are the elements of a fill: planes, rows gathered from them, and dy.
func (h *halfWeight) sizes() (planes, gathered, dy int) {
	x := h.some*h.xSize() + linalg.HalfRows*h.line + 2*halfPanel
	dy = h.panels * h.some * h.positions * linalg.HalfCols
	if h.gather {
		return h.some*h.c*h.in.apart + 2*halfPanel, x, dy
	}
	return x, 0, dy
}

// pairs are the elements of the pairs of a plane, and of a panel of dy, that a worker makes.
func (h *halfWeight) pairs() (plane, dy int) { return h.in.room(), linalg.HalfCols * h.in.each * h.ow }

// countFills is the number of fills in memory: each worker sums parts of its own, or all sum one fill after the other.
func (h *halfWeight) countFills(threads int) int {
	if h.parts == 1 {
		return 1
	}
	return threads
}

func (h *halfWeight) shared() (sums, zeros int) {
	return roundUp(h.parts*h.g*h.sums(), 16), roundUp(ceilDiv(max(h.inPlane(), h.outPlane()), 2), 16)
}

func (h *halfWeight) scratch(threads int) int {
	sums, zeros := h.shared()
	planes, gathered, dy := h.sizes()
	plane, panel := h.pairs()
	fill := roundUp(planes, 16) + roundUp(gathered, 16) + roundUp(dy, 16)
	return 4 * (sums + zeros + h.countFills(threads)*fill + threads*(roundUp(plane, 16)+roundUp(panel, 16)))
}
