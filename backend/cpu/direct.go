package cpu

import "github.com/onnxtrain/onnxtrain/tensor/linalg"

// direct is a convolution whose filters run over padded planes: every element of a filter is a displacement in them, and
// a product of filters and displaced planes needs no matrix of patches. The gradient of a strided convolution's input
// is one too: the output's phases are convolutions with every sh-th row and sw-th column of the filters, of one input.
type direct struct {
	sweeper linalg.Sweeper
	n, g    int
	m       int // output channels of a group
	oh, ow  int // output plane
	in      padded
	sets    []tapSet // one for each phase of the output
	sh, sw  int      // phases of the output

	rows, cols    int  // of a phase of the output
	flat          bool // columns run on over the padding between rows
	starts        []int32
	strip, strips int // rows of a sweep
	block, tiles  int // steps, and columns in tiles, of a sweep
	row           int // elements of a channel and phase of the section's result
	back          []backCopy
}

// tapSet is the filter elements that make a phase of the output.
type tapSet struct {
	taps     []tap
	steps    []int32 // for every channel, for every tap
	filter   int     // where its filters begin in the packed ones of a group
	row, col int     // of the output, where the phase begins
}

// tap is an element of a filter and its displacement in the padded planes.
type tap struct{ at, row, col int }

const (
	directBytes  = 384 << 10 // padded planes and results of a section, of which a cache holds a good part
	directHalo   = 4         // rows of a section for one that it has in common with the next
	directBlock  = 288       // steps of a sweep: their filters and
	directSteps  = 1152      // those of all its tiles, whose part of the planes stays in the first cache too
	directJoin   = 4         // images side by side
	directStride = 8         // of windows, whose phases are planned one by one
	directSource = 4         // vectors that linalg.Weave puts together
)

// forwardDirect is the convolution of x with w.
func (v *conv2d) forwardDirect() *direct {
	d := &direct{sweeper: linalg.NewSweeper(), n: v.n, g: v.g, m: v.m, oh: v.oh, ow: v.ow, sh: 1, sw: 1, rows: v.oh, cols: v.ow}
	d.in = padded{sweeper: d.sweeper, c: v.c, ih: v.ih, iw: v.iw, sh: v.sh, sw: v.sw, ph: v.ph, pw: v.pw,
		rows: v.oh + (v.kh-1)*v.dh/v.sh, cols: v.ow + (v.kw-1)*v.dw/v.sw}
	set := tapSet{}
	for t := range v.taps() {
		set.taps = append(set.taps, tap{t, t / v.kw * v.dh, t % v.kw * v.dw})
	}
	d.sets = []tapSet{set}
	return d
}

// inputGradDirect is the convolution of dy with w that gives dx.
func (v *conv2d) inputGradDirect() *direct {
	d := &direct{sweeper: linalg.NewSweeper(), n: v.n, g: v.g, m: v.c, oh: v.ih, ow: v.iw, sh: v.sh, sw: v.sw}
	d.in = padded{sweeper: d.sweeper, c: v.m, ih: v.oh, iw: v.ow, sh: 1, sw: 1}
	reach := func(k, dilation, stride int) int { return (k - 1) * dilation / stride }
	top, left := reach(v.kh, v.dh, v.sh), reach(v.kw, v.dw, v.sw)
	// Row i of dx is row r of phase a, i = sh*r + a - ph, and sees dy at rows r-t through filter row sh*t+a.
	row0, col0 := v.ph/v.sh, v.pw/v.sw // the least r of any phase
	for a := range v.sh {
		for b := range v.sw {
			r, q := ceilDiv(max(v.ph-a, 0), v.sh), ceilDiv(max(v.pw-b, 0), v.sw)
			row0, col0 = min(row0, r), min(col0, q)
			d.rows, d.cols = max(d.rows, ceilDiv(v.ih-(v.sh*r+a-v.ph), v.sh)), max(d.cols, ceilDiv(v.iw-(v.sw*q+b-v.pw), v.sw))
		}
	}
	last, lastCol := 0, 0
	for a := range v.sh {
		for b := range v.sw {
			r, q := ceilDiv(max(v.ph-a, 0), v.sh)-row0, ceilDiv(max(v.pw-b, 0), v.sw)-col0
			last, lastCol = max(last, r), max(lastCol, q)
			set := tapSet{row: v.sh*(r+row0) + a - v.ph, col: v.sw*(q+col0) + b - v.pw}
			for t := range v.taps() {
				i, j := t/v.kw*v.dh, t%v.kw*v.dw
				if i%v.sh == a && j%v.sw == b {
					set.taps = append(set.taps, tap{t, r + top - i/v.sh, q + left - j/v.sw})
				}
			}
			d.sets = append(d.sets, set)
		}
	}
	d.in.ph, d.in.pw = top-row0, left-col0
	d.in.rows, d.in.cols = d.rows+last+top, d.cols+lastCol+left
	return d
}

// plan chooses how many images lie side by side and cuts the output in sections; false where rows cannot be put
// together.
func (d *direct) plan() bool {
	best := 0.0
	for join := 1; join <= min(directJoin, d.sweeper.Lanes(), d.n); join *= 2 {
		t := *d
		t.arrange(join)
		if t.in.sources() > directSource || t.sw*t.perPhase() > directSource {
			continue
		}
		useful := float64(t.rows*t.cols*join) / float64(ceilDiv(t.columns(t.rows), t.sweeper.Lanes())*t.sweeper.Lanes())
		if useful > best*1.03 {
			best = useful
			d.arrange(join)
		}
	}
	if best == 0 {
		return false
	}
	d.section()
	d.strip = d.sweeper.Strip(d.m)
	d.strips = ceilDiv(d.m, d.strip)
	d.place()
	d.in.spread()
	d.planBack()
	return true
}

func (d *direct) arrange(join int) {
	p := &d.in
	p.join = join
	p.used = make([]bool, p.sh*p.sw)
	for _, s := range d.sets {
		for _, t := range s.taps {
			p.used[t.row%p.sh*p.sw+t.col%p.sw] = true
		}
	}
	p.pitch = (p.cols - p.overlap()) * join
	d.flat = d.cols*join%d.sweeper.Lanes() != 0
}

// columns is the number of columns of the product for so many rows of output.
func (d *direct) columns(rows int) int {
	if d.flat {
		return (rows-1)*d.in.pitch + d.cols*d.in.join
	}
	return rows * d.cols * d.in.join
}

// straight says that a sweep can write the output itself.
func (d *direct) straight() bool { return len(d.sets) == 1 && d.in.join == 1 && !d.flat }

// section cuts the output's rows so that a section's planes fit a cache, and so that there is work for many workers.
func (d *direct) section() {
	p := &d.in
	halo := p.rows - d.rows
	perRow := 4 * (p.c*p.sh*p.sw*p.pitch + len(d.sets)*d.m*d.columns(1))
	each := max(1, directBytes/perRow-halo, directHalo*halo)
	tasks := ceilDiv(d.n, p.join) * d.g
	sections := max(ceilDiv(d.rows, each), min(ceilDiv(16, tasks), d.rows/4))
	p.each = ceilDiv(d.rows, max(sections, 1))
	p.sections = ceilDiv(d.rows, p.each)
	p.rows = p.each + halo
	d.row = roundUp(d.columns(p.each), d.sweeper.Lanes())
}

func roundUp(n, unit int) int { return ceilDiv(n, unit) * unit }

// place computes where filter elements and vectors of columns lie in the padded planes.
func (d *direct) place() {
	p, lanes := &d.in, d.sweeper.Lanes()
	filter := 0
	for i := range d.sets {
		s := &d.sets[i]
		for ch := range p.c {
			for _, t := range s.taps {
				s.steps = append(s.steps, int32(ch*p.sh*p.sw*p.plane()+p.at(t.row, t.col)))
			}
		}
		s.filter = filter
		filter += d.strips * d.strip * len(s.steps)
	}
	for v := range roundUp(ceilDiv(d.columns(p.each), lanes), 2) {
		start := v * lanes
		if !d.flat {
			perRow := d.cols * p.join / lanes
			start = min(v/perRow, p.each-1)*p.pitch + v%perRow*lanes
		}
		d.starts = append(d.starts, int32(start))
	}
	longest := 1
	for i := range d.sets {
		longest = max(longest, len(d.sets[i].steps))
	}
	d.block = ceilDiv(longest, ceilDiv(longest, directBlock))
	d.tiles = max(1, directSteps/d.block)
}

// filters is the number of elements of the packed filters of a group.
func (d *direct) filters() int {
	last := &d.sets[len(d.sets)-1]
	return last.filter + d.strips*d.strip*len(last.steps)
}

// room is a worker's memory: padded planes and results.
func (d *direct) room() int {
	n := d.in.size()
	if !d.straight() {
		n += len(d.sets) * d.m * d.row
	}
	return roundUp(n, 16)
}
