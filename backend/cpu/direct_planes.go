package cpu

import "github.com/onnxtrain/onnxtrain/tensor/linalg"

// padded is the copy of an image's planes that a direct convolution reads: with zeros around, so that a tap of the
// filter is a displacement, and cut into phases, so that with strides it is one too. Phase (a, b) has every sh-th row from
// a and every sw-th column from b on. Where a plane is narrow, several images lie side by side, element by element.
//
// The zeros on the right of a row are those on the left of the next.
type padded struct {
	sweeper        linalg.Sweeper
	join           int // images side by side
	c, ih, iw      int
	sh, sw         int
	ph, pw         int // zeros in front, negative where planes are cut
	rows, cols     int // of a phase
	pitch          int // elements from a row to the next
	used           []bool
	copies         []phaseCopy
	sections, each int // the rows are made in sections, which advance by each
}

// phaseCopy copies a vector of columns of all rows of a phase.
type phaseCopy struct {
	linalg.Weave
	phase, a, row0, row1 int // rows of the phase that are in the plane
	dst, src             int // where row row0 begins
	perImage             int // sources of an image
}

func (p *padded) plane() int { return p.rows * p.pitch }

// size is the number of elements of the copy; vectors at the end may reach over it.
func (p *padded) size() int { return p.c*p.sh*p.sw*p.plane() + 4*p.sweeper.Lanes() }

// at is the place of padded row i and column j of channel 0.
func (p *padded) at(i, j int) int {
	return (i%p.sh*p.sw+j%p.sw)*p.plane() + i/p.sh*p.pitch + j/p.sw*p.join
}

// inside bounds the elements of a phase that come from the plane, along one axis.
func inside(phase, stride, pad, size, count int) (first, last int) {
	first = max(0, (pad-phase+stride-1)/stride)
	last = min(count, (size-1+pad-phase+stride)/stride)
	return first, max(first, last)
}

// overlap is how many columns of zeros two rows have in common.
func (p *padded) overlap() int {
	common := p.cols
	for b := range p.sw {
		first, last := inside(b, p.sw, p.pw, p.iw, p.cols)
		common = min(common, first, p.cols-last)
	}
	return common
}

// spread plans the copies.
func (p *padded) spread() {
	lanes := p.sweeper.Lanes()
	for a := range p.sh {
		row0, row1 := inside(a, p.sh, p.ph, p.ih, (p.sections-1)*p.each+p.rows)
		for b := range p.sw {
			if !p.used[a*p.sw+b] {
				continue
			}
			columns := lanes / p.join
			col0, col1 := inside(b, p.sw, p.pw, p.iw, p.cols)
			for col := col0; col < col1; col += columns {
				c := phaseCopy{phase: a*p.sw + b, a: a, row0: row0, row1: row1, perImage: ceilDiv((columns-1)*p.sw+1, lanes)}
				if p.join == 1 && p.sw == 1 {
					c.Weave = p.sweeper.Copy(col1 - col)
					columns = col1 - col
				} else {
					c.Weave = p.sweeper.Weave(p.pattern(min(columns, col1-col), c.perImage))
				}
				c.dst = c.phase*p.plane() + col*p.join
				c.src = col*p.sw + b - p.pw
				p.copies = append(p.copies, c)
			}
		}
	}
}

// pattern is where so many columns of the images side by side come from.
func (p *padded) pattern(columns, perImage int) []int {
	from := make([]int, columns*p.join)
	for l := range from {
		from[l] = l%p.join*perImage*p.sweeper.Lanes() + l/p.join*p.sw
	}
	return from
}

// sources is how many vectors a vector of the copy is put together from.
func (p *padded) sources() int {
	lanes := p.sweeper.Lanes()
	return p.join * ceilDiv((lanes/p.join-1)*p.sw+1, lanes)
}

// fill copies a section of the planes x of the first of so many images, which are stride apart. dst is 0 where nothing
// was copied yet.
func (p *padded) fill(dst, x []float32, images, stride, section int) {
	top := section * p.each
	if p.sections > 1 {
		p.clearRows(dst, top)
	}
	lanes := p.sweeper.Lanes()
	for i := range p.copies {
		c := &p.copies[i]
		first, last := max(c.row0, top), min(c.row1, top+p.rows)
		if first >= last {
			continue
		}
		w := c.Weave
		w.Dst, w.DstRow, w.DstPlane = dst[c.dst+(first-top)*p.pitch:], p.pitch, p.sh*p.sw*p.plane()
		w.SrcRow, w.SrcPlane = p.sh*p.iw, p.ih*p.iw
		w.Rows, w.Planes = last-first, p.c
		from := (first*p.sh+c.a-p.ph)*p.iw + c.src
		for s := range p.join * c.perImage {
			if image := s / c.perImage; image < images {
				w.Src[s] = tail(x, image*stride+from+s%c.perImage*lanes)
			}
		}
		w.Run()
	}
}

// tail is x from an element on, nil when there are none.
func tail(x []float32, from int) []float32 {
	if from >= len(x) {
		return nil
	}
	return x[from:]
}

// clearRows zeroes the rows of a section that are not in the plane.
func (p *padded) clearRows(dst []float32, top int) {
	for a := range p.sh {
		row0, row1 := inside(a, p.sh, p.ph, p.ih, (p.sections-1)*p.each+p.rows)
		before, after := min(max(row0-top, 0), p.rows), min(max(row1-top, 0), p.rows)
		for i := range p.c * p.sw {
			plane := dst[(i/p.sw*p.sh*p.sw+a*p.sw+i%p.sw)*p.plane():][:p.plane()]
			clear(plane[:before*p.pitch])
			clear(plane[after*p.pitch:])
		}
	}
}
