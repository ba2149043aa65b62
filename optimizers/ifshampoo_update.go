package optimizers

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

// updateFactors moves every factor by the curvature that g shows in the coordinates of the old ones.
func (w *ifWork[T]) updateFactors(o *ifshampooConfig, c registry.Context, g []T) error {
	mark := w.used
	w.k, w.gram, w.traces = w.k[:0], w.gram[:0], w.traces[:0]
	for n := range w.axes {
		x := &w.axes[n]
		k, gram := w.load(x, x.k), w.take(x.layout.size)
		w.half = x.bf16
		x.class.gram(w.arena, k, gram)
		w.k, w.gram = append(w.k, k), append(w.gram, gram)
		w.traces = append(w.traces, trace(x.layout, gram)/float64(x.d))
	}
	w.project(g)
	for n := range w.axes {
		inner := w.used
		if err := w.updateFactor(o, n, lossTerms(c, true)); err != nil {
			return err
		}
		w.release(inner)
	}
	w.release(mark)
	return nil
}

// project multiplies the transposed factors onto g.
func (w *ifWork[T]) project(g []T) {
	if w.sheet != nil {
		projectSheet(any(w).(*ifWork[float32]), any(g).([]float32))
		return
	}
	w.y = w.along(g, func(n int) ([]T, bool) { return w.k[n], true })
}

// outer is Π(UUᵀ) of the unfolding U along axis n of what project has left.
func (w *ifWork[T]) outer(n int, out []T) {
	if w.sheet != nil {
		outerSheet(any(w).(*ifWork[float32]), n, any(out).([]float32))
		return
	}
	w.axes[n].class.outer(w.arena, viewAxis(w.y, w.dims, n).unfold(w.arena), out)
}

// updateFactor moves the factor of axis n by the projected gradient.
func (w *ifWork[T]) updateFactor(o *ifshampooConfig, n int, terms float64) error {
	x, k := &w.axes[n], w.k[n]
	step, m := w.take(x.layout.size), w.take(x.layout.size)
	w.half = x.bf16
	w.outer(n, step)
	others := 1.0
	for j, a := range w.traces {
		if j != n {
			others *= a
		}
	}
	damping, scale := T(0.5*o.Damping*others), T(0.5*terms*float64(x.d)/float64(w.elems))
	mix(step, damping, w.gram[n], scale, step)
	addIdentity(x.layout, step, -0.5)
	w.momentum(o, x, step, m)
	size := norm(x.layout, m)
	if math.IsNaN(size) || math.IsInf(size, 0) {
		return fmt.Errorf("factor K%d (size %d) is no longer finite; lower lr or beta2, or raise damping", n+1, x.d)
	}
	rate := T(o.Beta2 / max(1, size))
	x.class.times(w.arena, k, m, step)
	mix(k, 1, k, -rate, step)
	w.store(x, x.k, k)
	if x.cached {
		p := w.load(x, x.p)
		squared(w.arena, square(k, x.d), p)
		w.store(x, x.p, p)
	}
	return nil
}

// momentum sets m to the Riemannian momentum that step leads to, and keeps it.
func (w *ifWork[T]) momentum(o *ifshampooConfig, x *ifAxis[T], step, m []T) {
	if x.m == 0 {
		copy(m, step)
		return
	}
	keep, rate := T(o.Alpha2), T(1-o.Alpha2)
	mix(m, keep, w.load(x, x.m), rate, step)
	w.store(x, x.m, m)
}

// precondition is G ×ₙ KₙKₙᵀ over all axes.
func (w *ifWork[T]) precondition(g []T) []T {
	if w.sheet != nil {
		x := preconditionSheet(any(w).(*ifWork[float32]), any(g).([]float32))
		return any(x.F32).([]T)
	}
	w.k = w.k[:0]
	for n := range w.axes {
		slot := w.axes[n].k
		if w.axes[n].cached {
			slot = w.axes[n].p
		}
		w.k = append(w.k, w.load(&w.axes[n], slot))
	}
	g = w.along(g, func(n int) ([]T, bool) {
		if w.axes[n].cached {
			return nil, false
		}
		return w.k[n], true
	})
	return w.along(g, func(n int) ([]T, bool) { return w.k[n], false })
}

// along multiplies onto every axis the matrix that the caller names, or none where it is nil, and returns the result
// in scratch memory; a result of no product is g itself.
func (w *ifWork[T]) along(g []T, matrix func(axis int) (k []T, transposed bool)) []T {
	for n := range w.axes {
		x := &w.axes[n]
		k, transposed := matrix(n)
		if k == nil {
			continue
		}
		out := w.take(w.elems)
		w.half = x.bf16
		along(w.arena, g, out, w.dims, n, x.class, k, transposed)
		if x.bf16 {
			roundAll(out)
		}
		g = out
	}
	return g
}

func (w *ifWork[T]) load(x *ifAxis[T], slot int) []T {
	if !x.bf16 {
		return tensor.Slice[T](w.slots[slot])
	}
	out := w.take(x.layout.size)
	if y, ok := any(out).([]float32); ok {
		linalg.Widen(y, halves(w.slots[slot]))
		return out
	}
	for i, v := range tensor.Slice[tensor.BFloat16](w.slots[slot]) {
		out[i] = T(v.Float32())
	}
	return out
}

// store writes what load has read; for full precision load has returned the slot itself or v is copied to it.
func (w *ifWork[T]) store(x *ifAxis[T], slot int, v []T) {
	if !x.bf16 {
		copy(tensor.Slice[T](w.slots[slot]), v)
		return
	}
	if y, ok := any(v).([]float32); ok {
		linalg.Narrow(halves(w.slots[slot]), y)
		return
	}
	out := tensor.Slice[tensor.BFloat16](w.slots[slot])
	for i := range out {
		out[i] = tensor.ToBFloat16(float32(v[i]))
	}
}

// roundAll rounds to bfloat16 in place.
func roundAll[T number](x []T) {
	for i, v := range x {
		x[i] = T(roundBF16(float32(v)))
	}
}

// mix sets dst = a·x + b·y.
func mix[T number](dst []T, a T, x []T, b T, y []T) {
	if to, ok := any(dst).([]float32); ok {
		linalg.Mix(to, float32(a), any(x).([]float32), float32(b), any(y).([]float32))
		return
	}
	for i := range dst {
		dst[i] = a*x[i] + b*y[i]
	}
}
