package linalg

// stepBlock is how many steps of a product keep a strip of its right side in the first cache.
const stepBlock = 128

// half is one half of the product: columns of the update from first on, count of them, meet columns [from, to) of src, whose
// packed strips begin at an offset.
type half struct{ first, count, from, to, offset int }

func (m *eigenMerge) halves() [2]half {
	left := half{count: m.classes[rightOnly], from: m.lo, to: m.mid}
	right := half{first: m.classes[both], from: m.mid, to: m.end, offset: left.strips() * strip64 * left.count}
	right.count = len(m.kept) - right.first
	return [2]half{left, right}
}

func (h *half) strips() int { return parts(h.to-h.from, strip64) }

// packs is memory for packed strips.
func (m *eigenMerge) packs() []float64 { return m.pack[m.lo*(m.ld/2+spareColumns):] }

// packRows packs strips of the eigenvectors that take part, those of the left half first, their steps in order of class.
func (m *eigenMerge) packRows(_, lo, hi int) {
	halves := m.halves()
	for strip := lo; strip < hi; strip++ {
		h, at := &halves[0], strip
		if at >= h.strips() {
			h, at = &halves[1], at-h.strips()
		}
		from := h.from + at*strip64
		width := min(strip64, h.to-from)
		dst := m.packs()[h.offset+at*strip64*h.count:]
		for step, rank := range m.column[h.first:][:h.count] {
			copy(dst[step*strip64:], m.src[m.kept[rank]*m.ld+from:][:width])
		}
	}
}

// multiplyRows computes groups of rows of dst: the eigenvectors of the update times those of the neighbours.
func (m *eigenMerge) multiplyRows(_, lo, hi int) {
	for _, h := range m.halves() {
		t := tile64{aLane: m.ld, aStep: 1, bStep: strip64, cRow: m.ld, alpha: 1}
		for step := 0; step == 0 || step < h.count; step += stepBlock {
			t.k = min(stepBlock, h.count-step)
			for col := h.from; col < h.to; col += strip64 {
				t.vectors = min(strip64, h.to-col) / lanes64
				t.b = m.packs()[h.offset+(col-h.from)*h.count+step*strip64:]
				for group := lo; group < hi; group++ {
					row := (m.lo + group*lanes64) * m.ld
					t.a, t.c = m.s[row+h.first+step:], m.dst[row+col:]
					m.isa.multiply(&t)
				}
			}
			t.beta = 1
		}
	}
}

// copyRows moves dropped rows behind the others.
func (m *eigenMerge) copyRows(_, lo, hi int) {
	for at := lo; at < hi; at++ {
		to := (m.lo + len(m.kept) + at) * m.ld
		from := m.dropped[at] * m.ld
		copy(m.dst[to+m.lo:to+m.end], m.src[from+m.lo:])
	}
}
