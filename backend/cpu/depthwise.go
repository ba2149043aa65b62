package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	tol := Tol{Abs: 1e-4, Rel: 2e-5}
	Register(Kernel{
		Name: "conv/depthwise", Op: onnx("Conv"), Rank: 2, Tol: tol,
		When:    func(n *graph.Node) bool { return depthwiseOf(n) != nil },
		Scratch: func(n *graph.Node, threads int) int { return 4 * threads * depthwiseOf(n).room() },
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			r := &depthwiseRun{depthwise: depthwiseOf(n), x: in[0].F32(), w: in[1].F32(), bias: elements(in, 2), y: out[0].F32()}
			return r.bind(s), nil
		},
	})
	Register(Kernel{
		Name: "conv_grad_input/depthwise", Op: graph.OpID{Domain: op.Internal, Type: "ConvGradInput"}, Rank: 2, Tol: tol,
		When:    func(n *graph.Node) bool { return depthwiseOf(n) != nil },
		Scratch: func(n *graph.Node, threads int) int { return 4 * threads * depthwiseOf(n).room() },
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			r := &depthwiseRun{depthwise: depthwiseOf(n), x: in[0].F32(), w: in[1].F32(), y: out[0].F32()}
			return r.bind(s), nil
		},
	})
}

// depthwise is a convolution of every channel with one filter of its own. The planes of several images lie one behind the
// other with their padding, so that each element of the filter is a displacement in them, and a row of results spans
// all of them. The gradient of a strided convolution's input is one too, with a set of taps for each phase of the
// result.
type depthwise struct {
	conv2d
	taps   []int // of the whole filter, which are used
	in     stack
	groups int         // of images
	sets   []phaseTaps // by phase of the result

	// The result has its planes at the pitch of in, and spreads its phases over planes of height by width, of which
	// element (0, 0) is at (top, left) of phase 0.
	rows, cols    int
	height, width int
	sh, sw        int
	top, left     int
	sparse        bool          // some elements get nothing
	spreads       [][]planeCopy // by row of phases
}

// phaseTaps are the displacements that make a phase of the result, and the elements of the filter that belong to them.
type phaseTaps struct {
	offsets []int32
	taps    []int
}

// stackElems bounds the elements of the planes of a channel that are worked on together: 32 KiB, the first cache.
const stackElems = 8 << 10

// depthwiseOf plans a node, nil when it is no depthwise convolution.
func depthwiseOf(n *graph.Node) *depthwise {
	v, ok := conv2dOf(n)
	if !ok || v.c != 1 || v.m != 1 || v.g < 2 || v.sw > widest || !convFits(n) {
		return nil
	}
	d := &depthwise{conv2d: *v}
	if !d.trim() {
		return nil
	}
	if n.Op.Type == "ConvGradInput" {
		d.planInputGrad()
	} else {
		d.planForward()
	}
	d.in.plan()
	d.planSpread()
	return d
}

// trim leaves out rows and columns of the filter that meet nothing but padding, as most of a large filter does on small
// planes; false when all do.
func (d *depthwise) trim() bool {
	row, rows := live(d.kh, d.dh, d.conv2d.sh, d.ph, d.ih, d.oh)
	col, cols := live(d.kw, d.dw, d.conv2d.sw, d.pw, d.iw, d.ow)
	for a := range rows {
		for b := range cols {
			d.taps = append(d.taps, (row+a)*d.kw+col+b)
		}
	}
	d.kh, d.kw = rows, cols
	d.ph -= row * d.dh
	d.pw -= col * d.dw
	return len(d.taps) > 0
}

// live is the first of the kernel's taps along an axis that meet the input somewhere, and their number.
func live(kernel, dilation, stride, pad, in, out int) (first, count int) {
	for a := range kernel {
		for o := range out {
			if at := o*stride + a*dilation - pad; at >= 0 && at < in {
				if count == 0 {
					first = a
				}
				count = a - first + 1
				break
			}
		}
	}
	return first, count
}

func (d *depthwise) planForward() {
	v := &d.conv2d
	d.rows, d.cols, d.height, d.width, d.sh, d.sw = v.oh, v.ow, v.oh, v.ow, 1, 1
	d.in = stack{ih: v.ih, iw: v.iw, sh: v.sh, sw: v.sw, ph: v.ph, pw: v.pw,
		rows: v.oh + (v.kh-1)*v.dh/v.sh, pitch: v.ow + (v.kw-1)*v.dw/v.sw}
	d.stackUp()
	set := phaseTaps{taps: d.taps}
	for t := range d.taps {
		set.offsets = append(set.offsets, d.in.at(t/v.kw*v.dh, t%v.kw*v.dw))
	}
	d.sets = []phaseTaps{set}
}

// planInputGrad sees the padded input in phases: row sh*r+a of it gets, of filter row i with i*dh%sh = a, dy at row
// r - i*dh/sh.
func (d *depthwise) planInputGrad() {
	v := &d.conv2d
	d.sh, d.sw, d.height, d.width, d.top, d.left = v.sh, v.sw, v.ih, v.iw, v.ph, v.pw
	d.rows, d.cols = (v.ih-1+v.ph)/v.sh+1, (v.iw-1+v.pw)/v.sw+1
	above, before := (v.kh-1)*v.dh/v.sh, (v.kw-1)*v.dw/v.sw
	d.in = stack{ih: v.oh, iw: v.ow, sh: 1, sw: 1, ph: above, pw: before, rows: d.rows + above, pitch: d.cols + before}
	d.stackUp()
	d.sparse = v.ph < 0 || v.pw < 0
	for phase := range v.sh * v.sw {
		set := phaseTaps{}
		for t, tap := range d.taps {
			i, j := t/v.kw*v.dh, t%v.kw*v.dw
			if i%v.sh == phase/v.sw && j%v.sw == phase%v.sw {
				set.taps = append(set.taps, tap)
				set.offsets = append(set.offsets, d.in.at(above-i/v.sh, before-j/v.sw))
			}
		}
		d.sparse = d.sparse || len(set.taps) == 0
		d.sets = append(d.sets, set)
	}
}

func (d *depthwise) stackUp() {
	each := max(1, min(d.n, stackElems/(d.in.plane()*d.in.sh*d.in.sw)))
	d.groups = ceilDiv(d.n, each)
	d.in.images = ceilDiv(d.n, d.groups)
}

// flat is the number of elements from the first result of the first of so many images to the last of the last one.
func (d *depthwise) flat(images int) int {
	return (images-1)*d.in.plane() + (d.rows-1)*d.in.pitch + d.cols
}

func (d *depthwise) flatRoom() int { return roundUp(d.flat(d.in.images), linalg.TapLanes) }

// room is the number of elements of a worker's memory: planes, results of a row of phases, and a set's weights.
func (d *depthwise) room() int {
	return roundUp(d.in.size()+d.sw*d.flatRoom()+len(d.taps), linalg.TapLanes)
}

// images are those of group i.
func (d *depthwise) images(i int) (first, count int) {
	first = i * d.in.images
	return first, min(d.in.images, d.n-first)
}
