package cpu

import (
	"unsafe"

	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

// Two bf16 numbers side by side are as large as a float32, and are moved as one.

// halfWords views scratch memory of pairs as their elements.
func halfWords(pairs []float32) []uint16 {
	return unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(pairs))), 2*len(pairs))
}

// halfElements views a bf16 tensor as linalg does.
func halfElements(t *tensor.Tensor) []uint16 {
	return unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(t.Data))), len(t.Data)/2)
}

// halfPlanes are padded planes of pairs: of two channels of an image, or of two images of a channel, whose products a
// linalg.HalfTile sums at once.
//
// Planes lie one after the other, or stacked: row by row, the rows of all phases and planes one after the other, so that rows
// of planes and what is below them are steps of one block.
type halfPlanes struct {
	padded
	apart   int // elements from a plane to the next
	stacked bool
	wiped   bool // a section has to clear what is not in its rows
}

// halfPanel is what a HalfTile may read behind the last column.
const halfPanel = linalg.HalfCols

// lay plans the copies of one plane. Planes whose rows a cache would keep in the same few places are moved apart.
func (p *halfPlanes) lay() {
	const line = 16
	p.c = 1
	p.spread()
	p.apart = p.sh * p.sw * p.plane()
	if apart := roundUp(p.apart, line); apart/line%8 == 0 {
		p.apart = apart + line
	}
}

// stack plans the copies of one of so many planes. The pitch is that of rows of all of them.
func (p *halfPlanes) stack(planes int) {
	p.c = 1
	p.spread()
	p.stacked, p.apart, p.wiped = true, p.pitch, p.sections > 1
	plane := p.plane()
	p.pitch *= p.sh * p.sw * planes
	for i := range p.copies {
		c := &p.copies[i]
		c.dst += c.phase * (planes*p.apart - plane)
	}
	p.sections = 1 // as far as fill is concerned
}

// line is the row of a plane, of all that are stacked, that row i and column j of padded planes are in.
func (p *halfPlanes) line(i, j int) int {
	return i/p.sh*(p.pitch/p.apart) + (i%p.sh*p.sw+j%p.sw)*(p.pitch/p.apart/(p.sh*p.sw))
}

// whole says that planes need no padding, so that pairs may be made in place.
func (p *halfPlanes) whole() bool {
	return !p.stacked && p.sh == 1 && p.sw == 1 && p.join == 1 && p.ph == 0 && p.pw == 0 && p.cols == p.iw && p.pitch == p.iw
}

// room is the number of elements that put needs.
func (p *halfPlanes) room() int {
	if p.whole() {
		return 0
	}
	return p.join * p.ih * p.iw
}

// reach is the rows of the planes that a section needs.
func (p *halfPlanes) reach(section int) (first, last int) {
	top := section * p.each
	return min(max(0, top*p.sh-p.ph), p.ih), max(0, min(p.ih, (top+p.rows)*p.sh-p.ph))
}

// put makes a section of the plane at dst from so many pairs of planes, to lie side by side. That of slot i has x[from+i*next:]
// and x[from+i*next+odd:], or zeros when odd is 0 or x ends.
func (p *halfPlanes) put(dst, room []float32, x, zeros []uint16, from, next, odd, slots, section int) {
	plane := p.ih * p.iw
	row0, row1 := p.reach(section)
	for i := range slots {
		even := from + i*next
		to := room[i*plane:]
		if p.whole() {
			to = dst
		} else if row0 < row1 {
			to = to[row0*p.iw:]
		}
		if row0 >= row1 {
			continue
		}
		with := zeros[:(row1-row0)*p.iw]
		if odd > 0 && even+odd < len(x) {
			with = x[even+odd+row0*p.iw:][:len(with)]
		}
		linalg.Pair(halfWords(to), x[even+row0*p.iw:][:len(with)], with)
	}
	if !p.whole() {
		p.fill(dst, room, slots, plane, section)
	}
}
