package cpu

import (
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

// halfTol is one rounding to bf16.
var halfTol = Tol{Abs: 1e-4, Rel: 1.0 / 128}

func init() {
	fits := func(n *graph.Node) bool {
		return typesAre(n, tensor.BFloat16Type, tensor.BFloat16Type, tensor.Float32, tensor.Float32) && halfConvOf(n) != nil
	}
	scratch := func(n *graph.Node, threads int) int { return halfConvOf(n).scratch(threads) }
	bind := func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
		r := &halfConvRun{halfConv: halfConvOf(n), x: halfElements(in[0]), w: in[1].F32(), bias: elements(in, 2), y: halfElements(out[0])}
		return r.bind(s), nil
	}
	Register(Kernel{Name: "conv/bf16", Op: onnx("Conv"), Rank: 1, Tol: halfTol, When: fits, Half: hasHalf, Scratch: scratch, Bind: bind})
	Register(Kernel{Name: "conv_grad_input/bf16", Op: graph.OpID{Domain: op.Internal, Type: "ConvGradInput"}, Rank: 1, Tol: halfTol,
		When: fits, Half: hasHalf, Scratch: scratch, Bind: bind})
}

// typesAre reports whether a node without empty tensors has outputs of one type and inputs of the types listed.
func typesAre(n *graph.Node, out tensor.DType, in ...tensor.DType) bool {
	if len(n.In) > len(in) {
		return false
	}
	for i, v := range n.In {
		if v != nil && (v.Type.DType != in[i] || v.Type.Shape.Elems() == 0) {
			return false
		}
	}
	for _, v := range n.Out {
		if v != nil && (v.Type.DType != out || v.Type.Shape.Elems() == 0) {
			return false
		}
	}
	return true
}

// halfConv is a convolution of bf16 planes in pairs of channels. An element of the filter is a displacement of all planes,
// and with a block of channels one block of linalg.HalfTile. Where there are few channels the planes are stacked, and a block has
// elements of the filter that are one below the other.
//
// The results of a phase lie as the planes do, one image's columns beside another's and padding between rows, for as many
// channels as a tile has; from there they go to the output. Those of stacked planes are a row, or a panel, apart.
type halfConv struct {
	*direct
	in       halfPlanes
	turned   bool // the filters are [g, c, m, taps], as a gradient sees them
	c, m     int  // input and output channels of a group
	perTap   int  // steps of an element of the filter, with those of channels that are not there
	steps    int  // of a block
	strips   int  // of output channels
	sets     []halfSet
	sections int
	band     int // rows of results that are made and rounded before the next ones
	across   int // elements from a row of results to the next
	stack    int // times as many images are convolved with a strip before the next one
	image    int // elements of a channel of a band's results before they are rounded
	filters  int // elements of a group
}

// halfSet is a phase of the output: the taps of direct, and the blocks of products.
type halfSet struct {
	*tapSet
	a, b     []int // of the blocks, in elements of bf16
	from     int   // where its filters begin in those of a group
	perStrip int   // elements of its filters
	pieces   []halfPiece
}

// halfPiece is steps of a channel's filter that go to its row of a block.
type halfPiece struct{ to, from, count int }

const (
	halfBytes   = 448 << 10 // planes of a task
	halfBand    = 192 << 10 // results of a band
	halfCall    = 64        // columns of a product that take as long as what comes with each
	halfFilters = 128 << 10 // of a group from which on a strip serves several images
	halfRow     = 32        // elements of a row up to which rows are put together before they are rounded
	halfFew     = 8         // pairs of channels up to which planes are stacked, half as many where they have phases
)

// halfConvOf plans a node, nil where there is no way to weave its planes or where most of a tile would be empty.
func halfConvOf(n *graph.Node) *halfConv {
	v, ok := conv2dOf(n)
	if !ok || max(v.sh, v.sw) > directStride || v.ph < 0 || v.pw < 0 || v.g > 1 && min(v.c, v.m) < 8 {
		return nil
	}
	h := &halfConv{}
	if n.Op.Type == "Conv" {
		h.direct = v.forwardDirect()
	} else {
		h.direct, h.turned = v.inputGradDirect(), true
	}
	h.c, h.m = h.direct.in.c, h.direct.m
	if h.direct.in.ph < 0 || h.direct.in.pw < 0 || !h.join() {
		return nil
	}
	h.layBlocks()
	h.section()
	h.place()
	return h
}

// join chooses how many images lie side by side; false where rows cannot be put together.
func (h *halfConv) join() bool {
	best := 0.0
	d := h.direct
	for join := 1; join <= min(directJoin, d.sweeper.Lanes(), d.n); join *= 2 {
		t := *d
		t.arrange(join)
		if t.in.sources() > directSource || join*t.sw > 1 && t.sw*t.perPhase() > directSource {
			continue
		}
		t.flat = true
		useful := float64(t.rows*t.cols*join) / float64(roundUp(t.columns(t.rows), halfPanel))
		if planes := (halfPlanes{padded: t.in}); planes.whole() && len(t.sets) == 1 {
			useful *= 1.2 // nothing is woven
		}
		if useful > best*1.05 {
			best = useful
			*d = t
		}
	}
	return best > 0
}

// layBlocks chooses the steps of blocks.
func (h *halfConv) layBlocks() {
	h.steps = linalg.HalfSteps
	if short := roundUp(h.c, linalg.HalfSteps/2); short%linalg.HalfSteps != 0 {
		h.steps = linalg.HalfSteps / 2
	}
	h.perTap = roundUp(h.c, h.steps)
	few := halfFew
	if h.direct.in.sh*h.direct.in.sw > 1 {
		few /= 2
	}
	if h.in.stacked = h.pairs() <= few && h.allTaps() > 1; h.in.stacked {
		h.perTap, h.steps = 2*h.pairs(), linalg.HalfSteps
	}
	h.strips = ceilDiv(h.m, linalg.HalfRows)
}

func (h *halfConv) pairs() int { return ceilDiv(h.c, 2) }

// section cuts the output's rows so that a section's planes fit a cache, and so that there is work for many workers.
func (h *halfConv) section() {
	d, p := h.direct, &h.direct.in
	halo := p.rows - d.rows
	perRow := 4 * h.pairs() * p.sh * p.sw * p.pitch
	each := max(1, halfBytes/perRow-halo, directHalo*halo)
	tasks := ceilDiv(d.n, p.join) * d.g
	sections := max(ceilDiv(d.rows, each), min(ceilDiv(16, tasks), d.rows/4))
	p.each = ceilDiv(d.rows, max(sections, 1))
	p.sections = ceilDiv(d.rows, p.each)
	p.rows = p.each + halo
	stacked := h.in.stacked
	h.sections = p.sections
	if h.in = (halfPlanes{padded: *p}); stacked {
		h.in.stack(h.pairs())
	} else {
		h.in.lay()
	}
	h.stack = 1
	if filters := 2 * h.m * h.perTap * h.allTaps(); p.sections == 1 && filters > halfFilters {
		h.stack = max(1, min(ceilDiv(tasks, 4), halfBytes/(4*h.planes())))
	}
	h.cut()
}

// cut chooses the rows of a band, such that its results stay in the cache and few columns of a product are empty.
func (h *halfConv) cut() {
	d := h.direct
	h.across = h.in.pitch
	if width := d.cols * d.in.join; h.in.stacked && width <= halfPanel {
		h.across = halfPanel
	} else if h.in.stacked {
		h.across = roundUp(width, halfPanel/2)
	}
	best := 0.0
	for rows := 1; rows <= d.in.each; rows++ {
		size := 4 * len(d.sets) * min(h.m, linalg.HalfRows) * h.columns(rows)
		if size > halfBand && rows > 1 {
			break
		}
		if useful := float64(rows*d.cols*d.in.join) / float64(roundUp(h.columns(rows), halfPanel/2)+halfCall); useful > best {
			best, h.band = useful, rows
		}
	}
	d.row = roundUp(h.columns(h.band), halfPanel)
	h.image = h.band * d.sh * d.ow
	d.m = linalg.HalfRows // as far as copying results is concerned
	d.planBack()
}

// columns is the number of columns of results of so many rows.
func (h *halfConv) columns(rows int) int {
	if h.in.stacked {
		return rows * h.across
	}
	return h.direct.columns(rows)
}

// planes is the number of elements of the planes of images side by side.
func (h *halfConv) planes() int {
	if h.in.stacked {
		return roundUp(h.in.plane()+linalg.HalfSteps/2*h.in.apart+2*halfPanel, 16)
	}
	return roundUp(max(h.pairs(), h.perTap/2)*h.in.apart+2*halfPanel, 16)
}

// place computes where the blocks of all sets lie, and what is in them.
func (h *halfConv) place() {
	for i := range h.direct.sets {
		s := halfSet{tapSet: &h.direct.sets[i], from: h.filters}
		if h.in.stacked {
			h.placeStacked(&s)
		} else {
			h.placeTaps(&s)
		}
		s.perStrip = len(s.a) * linalg.HalfRows * h.steps
		h.filters += h.strips * s.perStrip
		h.sets = append(h.sets, s)
	}
}

// placeTaps makes blocks of the channels of each tap.
func (h *halfConv) placeTaps(s *halfSet) {
	for _, t := range s.taps {
		for ch := 0; ch < h.perTap; ch += h.steps {
			to := h.block(s, h.in.at(t.row, t.col)+ch/2*h.in.apart)
			s.pieces = append(s.pieces, halfPiece{to: to, from: t.at*h.perTap + ch, count: h.steps})
		}
	}
}

// block adds a block of which the first pairs are at a place in the planes, and returns where its filters are.
func (h *halfConv) block(s *halfSet, at int) int {
	to := len(s.a) * linalg.HalfRows * h.steps
	s.a, s.b = append(s.a, to), append(s.b, 2*at)
	return to
}

// placeStacked makes blocks of rows of the stack that are one below the other, for taps of the same displacement along them.
func (h *halfConv) placeStacked(s *halfSet) {
	pairs, p := h.pairs(), &h.in
	byShift := map[int][]tap{}
	last := 0
	for _, t := range s.taps {
		shift := t.col / p.sw
		byShift[shift] = append(byShift[shift], t)
		last = max(last, shift)
	}
	for shift := range last + 1 {
		taps := byShift[shift]
		slices.SortFunc(taps, func(a, b tap) int { return p.line(a.row, a.col) - p.line(b.row, b.col) })
		first, to := -h.steps, 0
		for _, t := range taps {
			for pair := range pairs {
				line := p.line(t.row, t.col) + pair
				if line >= first+h.steps/2 {
					first = line
					to = h.block(s, line*p.apart+shift*p.join)
				}
				s.pieces = append(s.pieces, halfPiece{to: to + 2*(line-first), from: t.at*h.perTap + 2*pair, count: 2})
			}
		}
	}
}

// single says that results have at most padding between rows, and straight that a row at a time is rounded: there is no
// padding, or rows are long.
func (h *halfConv) single() bool   { return len(h.sets) == 1 && h.in.join == 1 }
func (h *halfConv) whole() bool    { return h.single() && h.across == h.ow }
func (h *halfConv) straight() bool { return h.whole() || h.single() && h.ow > halfRow }
