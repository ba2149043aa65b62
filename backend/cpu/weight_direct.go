package cpu

import "github.com/onnxtrain/onnxtrain/tensor/linalg"

// weightDirect is the gradient of a convolution's weights: a product of dy, output channels by pixels, and the input with
// its channels last, pixels by filter elements. What a filter row sees of such an input from a pixel on is contiguous, so
// that the pixels are the steps of a sweep and the elements of a filter row its columns; no patches are built.
type weightDirect struct {
	*conv2d
	sweeper linalg.Sweeper

	rows, cols   int // of the padded input: what a fill of it holds of an image
	images, each int // a fill has so many images, or so many rows of output of one image
	sections     int // fills of an image
	steps        []int32
	starts       []int32
	rowLanes     int // columns of a filter row, or of one of its elements
	perTap       bool
	columns      int // of all filter rows
	pitch        int // of dy's rows in a fill

	strip, strips int
	tiles, groups int // tiles of a sweep, and sweeps
	parts, part   int // parts of the batch that are summed apart, of so many images
}

const (
	weightSteps = 256       // of a sweep
	weightBytes = 256 << 10 // of the input of a fill
	weightTiles = 64        // of a sweep
)

func (v *conv2d) weightDirect() *weightDirect {
	d := &weightDirect{conv2d: v, sweeper: linalg.NewSweeper()}
	lanes := d.sweeper.Lanes()
	d.cols = (v.ow-1)*v.sw + (v.kw-1)*v.dw + 1
	d.perTap = v.dw > 1
	perRow := 1
	if d.rowLanes = roundUp(v.kw*v.c, lanes); d.perTap {
		d.rowLanes, perRow = roundUp(v.c, lanes), v.kw
	}
	d.columns = v.kh * perRow * d.rowLanes
	d.strip = d.sweeper.Strip(v.m)
	d.strips = ceilDiv(v.m, d.strip)
	d.divide()
	d.place()
	d.tiles = min(ceilDiv(d.columns, 2*lanes), weightTiles)
	d.groups = ceilDiv(d.columns, 2*lanes*d.tiles)
	return d
}

// divide chooses how much is summed from one copy of the input, and the parts of the batch.
func (d *weightDirect) divide() {
	const most, few = 16, 1 << 18
	d.parts, d.part = 1, d.n
	if d.g*d.m*d.filter() <= few {
		d.part = ceilDiv(d.n, most)
		d.parts = ceilDiv(d.n, d.part)
	}
	rows := func(each int) int { return (each-1)*d.sh + (d.kh-1)*d.dh + 1 }
	image := 4 * rows(d.oh) * d.cols * d.c
	d.images, d.each = 1, d.oh
	if image <= weightBytes {
		d.images = min(d.part, max(1, weightBytes/image), ceilDiv(4*weightSteps, d.outPlane()))
	} else {
		d.each = max(1, min(d.oh, (weightBytes/(4*d.cols*d.c)-rows(1))/d.sh+1))
	}
	d.sections = ceilDiv(d.oh, d.each)
	d.rows = rows(d.each)
	d.pitch = roundUp(d.images*d.each*d.ow, 16) + 16
}

// place computes where pixels and columns lie in a fill.
func (d *weightDirect) place() {
	for i := range d.images {
		for r := range d.each {
			for q := range d.ow {
				d.steps = append(d.steps, int32(((i*d.rows+r*d.sh)*d.cols+q*d.sw)*d.c))
			}
		}
	}
	lanes := d.sweeper.Lanes()
	for r := range d.kh {
		for q := range d.kw {
			if q > 0 && !d.perTap {
				break
			}
			for l := 0; l < d.rowLanes; l += lanes {
				d.starts = append(d.starts, int32((r*d.dh*d.cols+q*d.dw)*d.c+l))
			}
		}
	}
	if len(d.starts)%2 != 0 {
		d.starts = append(d.starts, 0)
	}
}

// sums is the number of elements of a part's sums, and column where those of a filter row or element begin.
func (d *weightDirect) sums() int { return d.g * d.m * d.columns }

func (d *weightDirect) inputRoom() int {
	return roundUp(d.images*d.rows*d.cols*d.c+4*d.sweeper.Lanes(), 16)
}

// room is the memory of a fill.
func (d *weightDirect) room() int { return d.inputRoom() + roundUp(d.m*d.pitch, 16) }

// weightFill is a part of the sum: some rows of some images of a group.
type weightFill struct {
	group         int
	first, images int
	row, rows     int
	add           bool // it is not the first one of its group
}

// countFills is the number of fills of so many images, and fillAt one of them, of the images from first on.
func (d *weightDirect) countFills(images int) int {
	return d.g * ceilDiv(images, d.images) * d.sections
}

func (d *weightDirect) fillAt(first, images, i int) weightFill {
	perGroup := ceilDiv(images, d.images) * d.sections
	at, section := i%perGroup/d.sections*d.images, i%d.sections
	return weightFill{group: i / perGroup, first: first + at, images: min(d.images, images-at),
		row: section * d.each, rows: min(d.each, d.oh-section*d.each), add: i%perGroup > 0}
}

// fillInput copies channels-last the rows that one image of a fill needs.
func (d *weightDirect) fillInput(dst, x []float32, f weightFill, i int) {
	dst = dst[i*d.rows*d.cols*d.c:][:d.rows*d.cols*d.c]
	x = x[((f.first+i)*d.g+f.group)*d.c*d.inPlane():]
	col0, col1 := max(0, d.pw), min(d.cols, d.pw+d.iw)
	line := d.cols * d.c
	for r := range (f.rows-1)*d.sh + (d.kh-1)*d.dh + 1 {
		to := dst[r*line:][:line]
		from := f.row*d.sh + r - d.ph
		if uint(from) >= uint(d.ih) || col0 >= col1 {
			clear(to)
			continue
		}
		clear(to[:col0*d.c])
		clear(to[col1*d.c:])
		d.sweeper.Transpose(to[col0*d.c:], d.c, x[from*d.iw+col0-d.pw:], d.inPlane(), col1-col0, d.c)
	}
}

// fillOutput copies the channels of dy in the way of a matrix whose rows do not compete for places in the cache.
func (d *weightDirect) fillOutput(dst, dy []float32, f weightFill, i int) {
	dy = dy[((f.first+i)*d.g+f.group)*d.m*d.outPlane():]
	for m := range d.m {
		copy(dst[m*d.pitch+i*f.rows*d.ow:], dy[m*d.outPlane()+f.row*d.ow:][:f.rows*d.ow])
	}
}

// sweep adds a fill to some columns of a strip of the sums.
func (d *weightDirect) sweep(sums, room []float32, f weightFill, strip, tiles int) {
	input, dy := room[:d.inputRoom()], room[d.inputRoom():]
	lanes := d.sweeper.Lanes()
	first, from := strip*d.strip, tiles*d.tiles*2*lanes
	s := linalg.Sweep{ALane: d.pitch, AStep: 1, Rows: min(d.strip, d.m-first), B: input, Starts: d.starts[from/lanes:],
		C: sums[(f.group*d.m+first)*d.columns+from:], CRow: d.columns, Cols: min(d.tiles*2*lanes, d.columns-from)}
	count := f.images * f.rows * d.ow
	for k := 0; k < count; k += weightSteps {
		s.A = dy[first*d.pitch+k:]
		s.Steps = d.steps[k:min(k+weightSteps, count)]
		s.Add = f.add || k > 0
		d.sweeper.Run(&s)
	}
}

// finish writes the sums of filters [lo, hi) of all groups, which have the channels last, as weights.
func (d *weightDirect) finish(dw, sums []float32, lo, hi int) {
	for m := lo; m < hi; m++ {
		from, to := sums[m*d.columns:][:d.columns], dw[m*d.filter():][:d.filter()]
		for r := range d.kh {
			if !d.perTap {
				d.sweeper.Transpose(to[r*d.kw:], d.taps(), from[r*d.rowLanes:], d.c, d.c, d.kw)
				continue
			}
			d.sweeper.Transpose(to[r*d.kw:], d.taps(), from[r*d.kw*d.rowLanes:], d.rowLanes, d.c, d.kw)
		}
	}
}
