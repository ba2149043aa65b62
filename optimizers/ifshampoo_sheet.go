package optimizers

import (
	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

// ifSheets is what an update in a sheet keeps.
type ifSheets struct {
	pass       sheetPass
	projected  linalg.HalfMat // G ×ₙ Kₙᵀ
	outerShort []float32      // of its unfolding along the short axes together
}

// projectSheet leaves the projected gradient.
func projectSheet(w *ifWork[float32], g []float32) {
	var list [2]onto
	long := list[:min(len(w.axes), len(list))]
	for n := range long {
		long[n] = onto{n, w.factor(n, w.axes[n].k).T()}
	}
	s, v := w.sheet, &w.sheets
	v.projected = s.along(w.arena, apart(w, g, true), long, false)
	if s.short > 1 {
		v.outerShort = w.take(s.short * s.short)
		s.outerShort(w.arena, v.projected, v.outerShort)
	}
}

// outerSheet is U·Uᵀ of the unfolding U of the projected gradient along axis n.
func outerSheet(w *ifWork[float32], n int, out []float32) {
	if n < 2 {
		w.sheet.outer(w.arena, w.sheets.projected, n, out)
		return
	}
	d, size := w.dims[n], w.sheet.short
	right := tensor.Shape(w.dims[n+1:]).Elems()
	clear(out)
	for row := range size {
		first := row - row/right%d*right // the same place but on axis n
		for j := range d {
			out[row/right%d*d+j] += w.sheets.outerShort[row*size+first+j*right]
		}
	}
}

// preconditionSheet is G ×ₙ KₙKₙᵀ, a sheet; without short axes it is the tensor itself, in float32.
func preconditionSheet(w *ifWork[float32], g []float32) linalg.HalfMat {
	var list [4]onto
	long := list[:0]
	for n := range w.axes[:min(len(w.axes), 2)] {
		if x := &w.axes[n]; x.cached {
			long = append(long, onto{n, w.factor(n, x.p)})
		} else {
			k := w.factor(n, x.k)
			long = append(long, onto{n, k.T()}, onto{n, k})
		}
	}
	return w.sheet.along(w.arena, apart(w, g, false), long, w.sheet.short == 1)
}

// stepSheet preconditions the gradient and steps along it.
func stepSheet(w *ifWork[float32], step heavyBall, p *registry.Param) {
	rows := preconditionSheet(w, p.Grad.F32())
	var buffer []float32
	if step.momentum > 0 {
		buffer = w.slots[w.buffers].F32()
	}
	rule := linalg.Momentum[float32]{LR: float32(step.lr), Decay: float32(step.decay), Momentum: float32(step.momentum), Keep: 1, Back: 1}
	w.sheets.pass.together(w.arena, w.sheet, rows, rule, p.Value.F32(), buffer)
}

// apart is g as a sheet, with the short axes multiplied by their factors, transposed for a projection, or by K·Kᵀ.
func apart(w *ifWork[float32], g []float32, projecting bool) linalg.HalfMat {
	if w.sheet.short == 1 {
		return linalg.HalfMat{F32: g}
	}
	m := square(w.take(1), 1)
	m.data[0] = 1
	for n := 2; n < len(w.axes); n++ {
		d := w.dims[n]
		product := square(w.take(m.rows*m.rows*d*d), m.rows*d)
		kronecker(m, shortFactor(w, &w.axes[n], projecting), product)
		m = product
	}
	return w.sheets.pass.apart(w.arena, w.sheet, g, m.data)
}

func shortFactor(w *ifWork[float32], x *ifAxis[float32], projecting bool) mat[float32] {
	if x.cached && !projecting {
		return square(w.load(x, x.p), x.d)
	}
	k := square(w.load(x, x.k), x.d)
	if projecting {
		return k.t()
	}
	p := square(w.take(x.d*x.d), x.d)
	plainGemm(1, k, k.t(), 0, p)
	return p
}

// kronecker sets out = a ⊗ b.
func kronecker(a, b, out mat[float32]) {
	for i := range out.rows {
		for j := range out.cols {
			out.data[i*out.rs+j*out.cs] = a.data[i/b.rows*a.rs+j/b.cols*a.cs] * b.data[i%b.rows*b.rs+j%b.cols*b.cs]
		}
	}
}

// factor is a dense factor in the precision that it is kept in.
func (w *ifWork[T]) factor(n, slot int) linalg.HalfMat {
	x := &w.axes[n]
	m := linalg.HalfMat{}
	if x.bf16 {
		m.BF16 = halves(w.slots[slot])
	} else {
		m.F32 = w.slots[slot].F32()
	}
	return shaped(m, x.d, x.d)
}
