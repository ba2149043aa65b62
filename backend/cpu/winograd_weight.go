package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	level "github.com/onnxtrain/onnxtrain/internal/cpu"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	Register(Kernel{
		Name: "conv_grad_weight/winograd", Op: graph.OpID{Domain: op.Internal, Type: "ConvGradWeight"}, Rank: 2, Level: level.AVX512,
		Tol:     Tol{Abs: 1e-4, Rel: 2e-5},
		When:    func(n *graph.Node) bool { return convFits(n) && winogradWeightOf(n) != nil },
		Scratch: func(n *graph.Node, threads int) int { return winogradWeightOf(n).scratch(threads) },
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			d := winogradWeightOf(n)
			r := &winogradWeightRun{winogradWeight: d, dy: in[0].F32(), x: in[1].F32(), dw: out[0].F32(), pool: s.Pool}
			return r.bind(floats(s.Mem)), nil
		},
	})
}

// winogradWeight is the gradient of 3x3 filters by linalg's tile maps. Channels are the elements of its vectors. Each of the 16
// products is of the mapped gradient of the output, channels by tiles, and the mapped input, tiles by channels; their sums over
// all tiles are mapped to the filters at the end.
//
// Where sums fit the second cache, the batch is cut in parts, each with sums of its own, and a worker goes through a part piece by
// piece. Otherwise all workers map a piece together, and then multiply it.
type winogradWeight struct {
	*conv2d
	sweeper linalg.Sweeper

	th, tw      int // tiles of a plane
	bh          int // rows of tiles of a piece, and
	images      int // its images
	sections    int // pieces of an image
	parts, part int // parts, and their images
	strip       int // rows of a sweep
	strips      int
	steps       []int32
	places      []int32

	inRow, outRow       int // elements of a row of the copies of the planes
	inPlanes, outPlanes int // of an image
	mapPitch, gradPitch int // of the matrices of tiles
	mapPlane, gradPlane int
	sumPlane            int
}

const (
	winogradTogether = 128     // tiles of a piece that all workers share
	winogradNear     = 1 << 14 // filters whose sums are near
	winogradSums     = 1 << 21 // elements of the sums of all parts
	winogradParts    = 16
)

// winogradWeightOf plans the gradient of a node's weights, nil where another way is faster or there is no kernel for this one.
func winogradWeightOf(n *graph.Node) *winogradWeight {
	v, ok := conv2dOf(n)
	if !ok || !v.winogradFits() {
		return nil
	}
	d := &winogradWeight{conv2d: v, sweeper: linalg.NewSweeper(), th: ceilDiv(v.oh, 2), tw: ceilDiv(v.ow, 2)}
	if useful := float64(d.oh*d.ow) / float64(4*d.th*d.tw); useful < winogradUseful {
		return nil
	}
	d.parts, d.part = 1, d.n
	most := winogradTogether
	if d.m*d.c <= winogradNear {
		d.part = ceilDiv(d.n, min(winogradParts, winogradSums/(winogradSquare*d.m*d.c)))
		d.parts = ceilDiv(d.n, d.part)
		most = max(winogradBytes/(4*winogradSquare*(d.c+d.m)), winogradLeast)
	}
	d.bh = ceilDiv(d.th, ceilDiv(d.th, max(most/d.tw, 1)))
	d.sections = ceilDiv(d.th, d.bh)
	d.images = 1
	if d.sections == 1 {
		d.images = min(max(most/(d.th*d.tw), 1), d.part)
	}
	d.layOut()
	return d
}

func (d *winogradWeight) layOut() {
	lanes := d.sweeper.Lanes()
	d.strip = d.sweeper.Strip(d.m)
	d.strips = ceilDiv(d.m, d.strip)
	d.inRow, d.outRow = (2*d.tw+2)*d.c, 2*d.tw*d.m
	d.inPlanes, d.outPlanes = (2*d.bh+2)*d.inRow, 2*d.bh*d.outRow
	d.mapPitch, d.gradPitch = roundUp(d.c, lanes)+winogradSkew, roundUp(d.m, lanes)+winogradSkew
	tiles := d.images * d.bh * d.tw
	d.mapPlane, d.gradPlane = tiles*d.mapPitch+winogradSkew, tiles*d.gradPitch+winogradSkew
	d.sumPlane = d.m*d.c + winogradSkew
	for i := range tiles {
		d.steps = append(d.steps, int32(i*d.mapPitch))
	}
	for j := range roundUp(ceilDiv(d.c, lanes), 2) {
		d.places = append(d.places, int32(j*lanes))
	}
}

// sums is the number of elements of a part's sums.
func (d *winogradWeight) sums() int { return roundUp(winogradSquare*d.sumPlane, 16) }

// tiles is the memory of a piece's mapped tiles. Sweeps read whole pairs of vectors.
func (d *winogradWeight) tiles() int {
	return roundUp(winogradSquare*(d.mapPlane+d.gradPlane)+2*d.sweeper.Lanes(), 16)
}

// copies is the memory of an image's planes, and of a filter's sums at the end.
func (d *winogradWeight) copies() int { return roundUp(max(d.inPlanes+d.outPlanes, 9*d.c), 16) }

func (d *winogradWeight) scratch(threads int) int {
	tiles := d.tiles()
	if d.parts > 1 {
		tiles *= threads
	}
	return 4 * (d.parts*d.sums() + tiles + threads*d.copies())
}

// pieces is how many pieces so many images have.
func (d *winogradWeight) pieces(images int) int { return ceilDiv(images, d.images) * d.sections }

// winogradPiece is some rows of tiles of some images.
type winogradPiece struct {
	first, images int
	row, section  int // the first row of tiles
	add           bool
}

// piece is the i-th one of the images from first on.
func (d *winogradWeight) piece(first, images, i int) winogradPiece {
	at, section := i/d.sections*d.images, i%d.sections
	return winogradPiece{first: first + at, images: min(d.images, images-at), row: section * d.bh, section: section, add: i > 0}
}
