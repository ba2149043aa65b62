package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	level "github.com/onnxtrain/onnxtrain/internal/cpu"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

// The maps add up to four numbers before and after the products, which costs little: of random operands the error's root mean
// square over the result's is 2.7e-7 with 64 channels and 5.1e-7 with 256, that of the direct sum 2.9e-7 with either, and that
// of the gradient of weights 1.7e-7 and 2.7e-7, of the direct one 1.4e-7 and 1.9e-7.
func init() {
	Register(Kernel{
		Name: "conv/winograd", Op: onnx("Conv"), Rank: 2, Level: level.AVX512, Tol: Tol{Abs: 1e-4, Rel: 2e-5},
		When:    func(n *graph.Node) bool { return convFits(n) && winogradOf(n) != nil },
		Scratch: func(n *graph.Node, threads int) int { return winogradOf(n).scratch(threads) },
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			return bindWinograd(&winogradRun{winograd: winogradOf(n), x: in[0].F32(), w: in[1].F32(), bias: elements(in, 2), y: out[0].F32()}, s), nil
		},
	})
	Register(Kernel{
		Name: "conv_grad_input/winograd", Op: graph.OpID{Domain: op.Internal, Type: "ConvGradInput"}, Rank: 2, Level: level.AVX512, Tol: Tol{Abs: 1e-4, Rel: 2e-5},
		When:    func(n *graph.Node) bool { return convFits(n) && winogradOf(n) != nil },
		Scratch: func(n *graph.Node, threads int) int { return winogradOf(n).scratch(threads) },
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			return bindWinograd(&winogradRun{winograd: winogradOf(n), x: in[0].F32(), w: in[1].F32(), y: out[0].F32()}, s), nil
		},
	})
}

// winograd is a convolution with 3x3 filters by linalg's tile maps. A tile is a square of vectors, of which a row of tiles, of
// some images side by side, is the elements: every other column of the planes makes one element of a tile's row. A block of
// tiles of all channels stays in the second cache from the input's planes to the output's. In between are 16 products: of
// filters, output by input channels, and tiles, input channels by places.
type winograd struct {
	*direct // copies planes with every other column apart, and back
	turned  bool

	th, tw       int // tiles of a plane
	bh           int // rows of tiles of a part, which is a section of images side by side
	parts, per   int // parts, and those of a block
	row, columns int // places of a row of tiles, and of a block
	pitch        int // of the matrices of tiles and products
	steps        []int32
	places       []int32
	mapPlane     int // elements of one of the 16 matrices of tiles,
	productPlane int // of products, and
	filterPlane  int // of filters
	wide         int // columns of a sweep
}

const (
	winogradSquare  = 16      // elements of a tile of the input, of a filter and of products
	winogradBytes   = 1 << 20 // of a block's tiles and products
	winogradLeast   = 64      // places of a block: what an element of the filters is read for
	winogradNarrow  = 32      // channels from which on the maps are cheap against what they save
	winogradFilters = 1 << 16 // of a layer whose mapped ones the third cache gives fast enough
	winogradUseful  = 0.8     // elements of tiles that are not padding, at least
	winogradSkew    = 16      // elements between matrices, whose size may be a multiple of a page
)

// winogradOf plans the convolution of a node, nil where another way is faster or there is no kernel for this one.
func winogradOf(n *graph.Node) *winograd {
	v, ok := conv2dOf(n)
	if !ok || !v.winogradFits() {
		return nil
	}
	d := &winograd{direct: &direct{sweeper: linalg.NewSweeper(), n: v.n, g: 1, m: v.m, oh: v.oh, ow: v.ow, sh: 1, sw: 2}}
	p := &d.in
	*p = padded{sweeper: d.sweeper, c: v.c, ih: v.ih, iw: v.iw, sh: 1, sw: 2, ph: v.ph, pw: v.pw}
	if n.Op.Type != "Conv" {
		d.m, d.oh, d.ow, d.turned = v.c, v.ih, v.iw, true
		p.c, p.ih, p.iw, p.ph, p.pw = v.m, v.oh, v.ow, 2-v.ph, 2-v.pw
	}
	d.th, d.tw = ceilDiv(d.oh, 2), ceilDiv(d.ow, 2)
	if useful := float64(d.oh*d.ow) / float64(4*d.th*d.tw); useful < winogradUseful {
		return nil
	}
	d.plan()
	return d
}

// winogradFits says that the maps are written for the convolution and pay.
func (v *conv2d) winogradFits() bool {
	return v.g == 1 && v.kh == 3 && v.kw == 3 && max(v.sh, v.sw, v.dh, v.dw) == 1 &&
		min(v.ph, v.pw) >= 0 && max(v.ph, v.pw) <= 2 && min(v.m, v.c) >= winogradNarrow && v.m*v.c <= winogradFilters
}

func (d *winograd) plan() {
	p, lanes := &d.in, d.sweeper.Lanes()
	join := 1
	for join < directJoin && join*d.tw < lanes && join < d.n {
		join *= 2
	}
	d.cols, p.cols = d.tw, d.tw+1
	d.sets = []tapSet{{taps: []tap{{0, 0, 0}, {1, 0, 1}}}, {col: 1}}
	d.arrange(join)
	d.flat = false
	d.row = d.tw * join
	most := max(winogradBytes/(4*winogradSquare*(p.c+d.m)), winogradLeast)
	p.sections = ceilDiv(d.th, max(most/d.row, 1))
	d.bh = ceilDiv(d.th, p.sections)
	p.sections = ceilDiv(d.th, d.bh)
	p.each, p.rows, d.rows = 2*d.bh, 2*d.bh+2, 2*d.th
	d.parts = ceilDiv(d.n, join) * p.sections
	d.per = min(max(most/(d.bh*d.row), 1), d.parts)
	d.columns = d.per * d.bh * d.row
	d.direct.row = 2 * d.bh * d.row
	p.spread()
	d.planBack()
	d.layOut()
}

// layOut says where everything lies.
func (d *winograd) layOut() {
	c, lanes := d.in.c, d.sweeper.Lanes()
	d.strip = d.sweeper.Strip(d.m)
	d.strips = ceilDiv(d.m, d.strip)
	d.pitch = roundUp(d.columns, lanes)
	for ch := range c {
		d.steps = append(d.steps, int32(ch*d.pitch))
	}
	for j := range roundUp(ceilDiv(d.columns, lanes), 2) {
		d.places = append(d.places, int32(j*lanes))
	}
	d.wide = 2 * lanes * max(1, directSteps/c)
	d.mapPlane = c*d.pitch + winogradSkew
	d.productPlane = d.m*d.pitch + winogradSkew
	d.filterPlane = roundUp(d.strips*d.strip*c, lanes) + winogradSkew
}

// results is the memory of the output of a part.
func (d *winograd) results() int { return len(d.sets) * d.m * d.direct.row }

// room is a worker's memory. Sweeps read whole pairs of vectors.
func (d *winograd) room() int {
	maps := winogradSquare*(d.mapPlane+d.productPlane) + 2*d.sweeper.Lanes()
	return roundUp(d.in.size()+d.results()+max(maps, 9*d.in.c*d.strip), 16)
}

func (d *winograd) filters() int { return winogradSquare * d.filterPlane }

func (d *winograd) scratch(threads int) int { return 4 * (d.filters() + threads*d.room()) }
