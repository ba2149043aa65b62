package cpu

import "github.com/onnxtrain/onnxtrain/tensor/linalg"

// puts is the number of tasks that make a part's fill: those of x, and those of dy.
func (r *halfWeightRun) puts(p halfPart) int { return p.count * (r.putsOfX() + r.panels) }

func (r *halfWeightRun) putsOfX() int { return ceilDiv(r.c, linalg.HalfRows) }

func (r *halfWeightRun) put(w *halfWeightWorker, f *halfFill, p halfPart, i int) {
	at, task := i%p.count, i/p.count
	if task < r.putsOfX() {
		first := task * linalg.HalfRows
		for ch := range min(linalg.HalfRows, r.c-first) {
			r.putX(w, f, p, at, first+ch)
		}
		return
	}
	r.putDy(w, f, p, at, task-r.putsOfX())
}

// putX makes a channel's planes of images side by side, and what the filter sees of them.
func (r *halfWeightRun) putX(w *halfWeightWorker, f *halfFill, p halfPart, at, ch int) {
	image := 2 * (p.first + at) * r.in.join
	all := r.g * r.c * r.inPlane()
	planes := f.planes[(at*r.c+ch)*r.in.apart:]
	r.in.put(planes, w.plane, r.x, r.zeros, image*all+(p.group*r.c+ch)*r.inPlane(), 2*all, all,
		min(r.in.join, ceilDiv(r.n-image, 2)), p.section)
	if !r.gather {
		return
	}
	rows := f.gathered[at*r.xSize()+ch*len(r.taps)*r.line:]
	for t, tap := range r.taps {
		copy(rows[t*r.line:][:r.columns], planes[tap:])
	}
}

// putDy makes a panel of output channels of images side by side, the channels last.
func (r *halfWeightRun) putDy(w *halfWeightWorker, f *halfFill, p halfPart, at, panel int) {
	row := p.section * r.in.each
	rows := min(r.in.each, r.oh-row)
	size, count := rows*r.ow, min(linalg.HalfCols, r.m-panel*linalg.HalfCols)
	dst := f.dy[(panel*r.some+at)*r.positions*linalg.HalfCols:][:r.positions*linalg.HalfCols]
	if rows < r.in.each {
		clear(dst[rows*r.in.pitch*linalg.HalfCols:])
	}
	for slot := range r.in.join {
		image := 2 * ((p.first+at)*r.in.join + slot)
		for ch := range count {
			r.pairDy(w.dy[ch*size:][:size], image, p.group*r.m+panel*linalg.HalfCols+ch, row)
		}
		if r.in.join == 1 && r.in.pitch == r.ow {
			r.sweeper.Transpose(dst, linalg.HalfCols, w.dy, size, size, count)
			continue
		}
		for i := range rows {
			r.sweeper.Transpose(dst[(i*r.in.pitch+slot)*linalg.HalfCols:], r.in.join*linalg.HalfCols, w.dy[i*r.ow:], size, r.ow, count)
		}
	}
}

// pairDy puts rows of a channel of an image and the next one side by side; images that are not there are 0.
func (r *halfWeightRun) pairDy(dst []float32, image, ch, row int) {
	if image >= r.n {
		clear(dst)
		return
	}
	from := (image*r.g*r.m+ch)*r.outPlane() + row*r.ow
	odd := r.zeros[:len(dst)]
	if image+1 < r.n {
		odd = r.dy[from+r.g*r.m*r.outPlane():][:len(dst)]
	}
	linalg.Pair(halfWords(dst), r.dy[from:][:len(dst)], odd)
}
