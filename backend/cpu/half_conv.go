package cpu

import (
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
// and with a block of channels one block of linalg.HalfTile; where there are few channels, what the elements of the filter see
// of them is copied together to make whole blocks.
//
// The results of a phase lie as the planes do, one image's columns beside another's and padding between rows, for as many
// channels as a tile has; from there they go to the output.
type halfConv struct {
	*direct
	in      halfPlanes
	turned  bool // the filters are [g, c, m, taps], as a gradient sees them
	c, m    int  // input and output channels of a group
	gather  bool
	perTap  int // steps of an element of the filter, with those of channels that are not there
	steps   int // of a block
	strips  int // of output channels
	sets    []halfSet
	band    int // rows of results that are made and rounded before the next ones
	line    int // elements of a gathered row
	stack   int // times as many images are convolved with a strip before the next one
	image   int // elements of a channel of a band's results before they are rounded
	filters int // elements of a group
}

// halfSet is a phase of the output: the taps of direct, and the blocks of products.
type halfSet struct {
	*tapSet
	places   []int // of the taps in the planes
	a, b     []int // of the blocks, in elements of bf16
	from     int   // where its filters begin in those of a group
	perStrip int   // elements of its filters
}

const (
	halfBytes   = 448 << 10 // planes of a task
	halfBand    = 192 << 10 // results of a band
	halfCall    = 64        // columns of a product that take as long as what comes with each
	halfFilters = 128 << 10 // of a group from which on a strip serves several images
	halfRow     = 32        // elements of a row up to which rows are put together before they are rounded
	halfGather  = 4         // pairs of channels up to which blocks are copied together
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
		if useful := float64(t.rows*t.cols*join) / float64(roundUp(t.columns(t.rows), halfPanel)); useful > best*1.05 {
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
	if h.gather = ceilDiv(h.c, 2) <= halfGather; h.gather {
		h.perTap = roundUp(h.c, 2)
		h.steps = linalg.HalfSteps / 2
	}
	h.strips = ceilDiv(h.m, linalg.HalfRows)
}

// section cuts the output's rows so that a section's planes fit a cache, and so that there is work for many workers.
func (h *halfConv) section() {
	d, p := h.direct, &h.direct.in
	halo := p.rows - d.rows
	perRow := 4 * ceilDiv(h.c, 2) * p.sh * p.sw * p.pitch
	each := max(1, halfBytes/perRow-halo, directHalo*halo)
	tasks := ceilDiv(d.n, p.join) * d.g
	sections := max(ceilDiv(d.rows, each), min(ceilDiv(16, tasks), d.rows/4))
	p.each = ceilDiv(d.rows, max(sections, 1))
	p.sections = ceilDiv(d.rows, p.each)
	p.rows = p.each + halo
	h.in = halfPlanes{padded: *p}
	h.in.lay()
	h.stack = 1
	if filters := 2 * h.m * h.perTap * h.allTaps(); p.sections == 1 && filters > halfFilters {
		h.stack = max(1, min(ceilDiv(tasks, 4), halfBytes/(4*h.planes())))
	}
	h.cut()
}

// cut chooses the rows of a band, such that its results stay in the cache and few columns of a product are empty.
func (h *halfConv) cut() {
	d := h.direct
	best := 0.0
	for rows := 1; rows <= d.in.each; rows++ {
		size := 4 * len(d.sets) * min(h.m, linalg.HalfRows) * d.columns(rows)
		if size > halfBand && rows > 1 {
			break
		}
		if useful := float64(rows*d.cols*d.in.join) / float64(roundUp(d.columns(rows), halfPanel/2)+halfCall); useful > best {
			best, h.band = useful, rows
		}
	}
	d.row = roundUp(d.columns(h.band), halfPanel)
	h.image = h.band * d.sh * d.ow
	d.m = linalg.HalfRows // as far as copying results is concerned
	d.planBack()
}

// planes is the number of elements of a group's planes, and gathered those of copied rows.
func (h *halfConv) planes() int {
	return roundUp(max(ceilDiv(h.c, 2), ceilDiv(h.perTap, 2))*h.in.apart+2*halfPanel, 16)
}

func (h *halfConv) gathered() int {
	if !h.gather {
		return 0
	}
	most := 0
	for i := range h.sets {
		most = max(most, len(h.sets[i].a))
	}
	return roundUp(most*h.steps/2*h.line+halfPanel, 16)
}

// place computes where the blocks of all sets lie.
func (h *halfConv) place() {
	h.line = h.row + 16
	for i := range h.direct.sets {
		s := halfSet{tapSet: &h.direct.sets[i], from: h.filters}
		for _, t := range s.taps {
			s.places = append(s.places, h.in.at(t.row, t.col))
		}
		for block := range ceilDiv(len(s.taps)*h.perTap, h.steps) {
			s.a = append(s.a, block*linalg.HalfRows*h.steps)
			at := block * h.steps / 2 * h.line
			if k := block * h.steps; !h.gather {
				at = k%h.perTap/2*h.in.apart + s.places[k/h.perTap]
			}
			s.b = append(s.b, 2*at)
		}
		s.perStrip = len(s.a) * linalg.HalfRows * h.steps
		h.filters += h.strips * s.perStrip
		h.sets = append(h.sets, s)
	}
}

// single says that results have at most padding between rows, and straight that a row at a time is rounded: there is no
// padding, or rows are long.
func (h *halfConv) single() bool   { return len(h.sets) == 1 && h.in.join == 1 }
func (h *halfConv) whole() bool    { return h.single() && h.in.pitch == h.ow }
func (h *halfConv) straight() bool { return h.whole() || h.single() && h.ow > halfRow }
