package linalg

import "math/bits"

// Weave copies rows of planes and rearranges their elements: a vector of each row is put together from those of up to
// four sources. It splits rows into every other element, joins rows element by element, or cuts them.
type Weave struct {
	// Dst and Src begin at the first row of the first plane. A Src that is nil gives zeros.
	Dst              []float32
	Src              [4][]float32
	Rows, Planes     int
	DstRow, SrcRow   int // distance of rows
	DstPlane         int
	SrcPlane         int
	level            *kernel
	sources          int
	whole            int       // vectors before the one that is put together, which are copied
	index            [32]int32 // of what the first two sources give, and the other two
	have             [4]uint16 // elements of the sources that are used, and read
	low, high, store uint16
}

// Weave is a copy whose lane l is element from[l]%Lanes of source from[l]/Lanes; lanes with -1, and those after the last
// one of from, are left alone. What differs from run to run is for the caller to set.
func (k Sweeper) Weave(from []int) Weave {
	lanes := k.Lanes()
	w := Weave{level: k.kern, sources: 1, Planes: 1, Rows: 1}
	for l, at := range from {
		if at < 0 {
			continue
		}
		source, element := at/lanes, at%lanes
		w.sources = max(w.sources, source+1)
		w.have[source] |= 1 << element
		w.store |= 1 << l
		w.index[source/2*16+l] = int32(source%2*lanes + element)
		if source < 2 {
			w.low |= 1 << l
		} else {
			w.high |= 1 << l
		}
	}
	if w.sources == 1 && !w.straight() {
		w.sources = 2
	}
	if w.sources == 3 {
		w.sources = 4
	}
	return w
}

// Copy is a copy of rows of count elements, at least 1, from a source that is not nil.
func (k Sweeper) Copy(count int) Weave {
	lanes := k.Lanes()
	last := make([]int, (count-1)%lanes+1)
	for l := range last {
		last[l] = l
	}
	w := k.Weave(last)
	w.whole = (count - 1) / lanes
	return w
}

// straight says that every lane is the same element of the first source.
func (w *Weave) straight() bool {
	for l := range 16 {
		if w.low>>l&1 != 0 && w.index[l] != int32(l) {
			return false
		}
	}
	return true
}

// weave is a Weave as assembly reads it.
type weave struct {
	dst                []float32
	src                [4][]float32
	rows, planes       int
	dstRow, srcRow     int
	dstPlane, srcPlane int
	sources, whole     int
	index              [32]int32
	have               [4]uint16
	low, high, keep    uint16
}

// Run copies. Every element that it reads or writes must be there.
func (w *Weave) Run() {
	if w.Rows <= 0 || w.Planes <= 0 || w.store == 0 {
		return
	}
	t := weave{dst: w.Dst, src: w.Src, rows: w.Rows, planes: w.Planes, dstRow: w.DstRow, srcRow: w.SrcRow,
		dstPlane: w.DstPlane, srcPlane: w.SrcPlane, sources: w.sources, whole: w.whole, index: w.index, have: w.have,
		low: w.low, high: w.high, keep: w.store}
	t.check(w.level.nr / 2)
	if t.src[0] == nil && t.whole == 0 {
		t.sources = max(t.sources, 2) // a single source is copied unseen
	}
	for i := range t.src {
		if t.src[i] == nil || i >= t.sources {
			t.src[i], t.have[i] = t.dst, 0
		}
	}
	copyWeave(w.level, &t)
}

// check panics unless the last element of the last row exists everywhere.
func (t *weave) check(lanes int) {
	row, plane, whole := t.rows-1, t.planes-1, t.whole*lanes
	_ = t.dst[plane*t.dstPlane+row*t.dstRow+whole+bits.Len16(t.keep)-1]
	for i, src := range t.src[:t.sources] {
		if (src != nil || whole > 0) && t.have[i] != 0 {
			_ = src[plane*t.srcPlane+row*t.srcRow+whole+bits.Len16(t.have[i])-1]
		}
	}
}

// weaveGeneric is the portable twin of the assembly kernel.
func weaveGeneric(t *weave, lanes int) {
	for plane := range t.planes {
		for row := range t.rows {
			dst, at := t.dst[plane*t.dstPlane+row*t.dstRow:], plane*t.srcPlane+row*t.srcRow
			if t.sources == 1 {
				copy(dst, t.src[0][at:at+t.whole*lanes+bits.Len16(t.have[0])])
				continue
			}
			for l := range lanes {
				switch {
				case t.low>>l&1 != 0:
					dst[l] = t.element(0, t.index[l], lanes, at)
				case t.high>>l&1 != 0:
					dst[l] = t.element(2, t.index[16+l], lanes, at)
				}
			}
		}
	}
}

func (t *weave) element(source int, index int32, lanes, at int) float32 {
	i := int(index)
	if i >= lanes {
		source, i = source+1, i-lanes
	}
	if t.have[source]>>i&1 == 0 {
		return 0
	}
	return t.src[source][at+i]
}
