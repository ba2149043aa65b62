package linalg

// stepBlock is how many steps of a product keep a strip of its right side in the first cache.
const stepBlock = 128

// packs are the rows of src that the two halves of the product read, packed in strips: all of the left half, then all of the right
// one.
func (m *merge) packs() []float64 { return m.pack[m.lo*(m.ld/2+spareColumns):] }

// half describes one half of the product: which columns of the update meet which columns of src, and where its packed strips
// begin.
func (m *merge) half(right bool) (first, count, from, to, offset int) {
	if !right {
		return 0, m.classes[rightOnly], m.lo, m.mid, 0
	}
	first = m.classes[both]
	return first, len(m.kept) - first, m.mid, m.end, parts(m.mid-m.lo, strip64) * strip64 * m.classes[rightOnly]
}

// packRows packs strips of the eigenvectors that take part, each with its steps in order of class.
func (m *merge) packRows(_, lo, hi int) {
	left := parts(m.mid-m.lo, strip64)
	for strip := lo; strip < hi; strip++ {
		first, count, from, to, offset := m.half(strip >= left)
		at := strip
		if at >= left {
			at -= left
		}
		from += at * strip64
		width := min(strip64, to-from)
		dst := m.packs()[offset+at*strip64*count:][:strip64*count]
		for _, rank := range m.column[first:][:count] {
			copy(dst, m.src[m.kept[rank]*m.ld+from:][:width])
			dst = dst[strip64:]
		}
	}
}

// multiplyRows computes groups of rows of dst: the eigenvectors of the update times those of the neighbours.
func (m *merge) multiplyRows(_, lo, hi int) {
	for _, right := range []bool{false, true} {
		first, count, from, to, offset := m.half(right)
		t := tile64{aLane: m.ld, aStep: 1, bStep: strip64, cRow: m.ld, alpha: 1}
		for step := 0; step == 0 || step < count; step += stepBlock {
			t.k = min(stepBlock, count-step)
			for col := from; col < to; col += strip64 {
				t.vectors = min(strip64, to-col) / lanes64
				t.b = m.packs()[offset+(col-from)*count+step*strip64:]
				for group := lo; group < hi; group++ {
					row := (m.lo + group*lanes64) * m.ld
					t.a, t.c = m.s[row+first+step:], m.dst[row+col:]
					m.isa.multiply(&t)
				}
			}
			t.beta = 1
		}
	}
}

// copyRows moves dropped rows behind the others.
func (m *merge) copyRows(_, lo, hi int) {
	for at := lo; at < hi; at++ {
		to := (m.lo + len(m.kept) + at) * m.ld
		from := m.dropped[at] * m.ld
		copy(m.dst[to+m.lo:to+m.end], m.src[from+m.lo:])
	}
}
