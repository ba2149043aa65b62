//go:build amd64 && !noasm

package linalg

import (
	"unsafe"

	"github.com/onnxtrain/onnxtrain/internal/cpu"
)

//go:generate go -C _asm run ./eigen -out ..

//go:noescape
func multiply64AVX512(t *tile64)

//go:noescape
func multiply64AVX2(t *tile64)

//go:noescape
func symmetric64AVX512(a *float64, stride, n int, x, y *float64)

//go:noescape
func symmetric64AVX2(a *float64, stride, n int, x, y *float64)

//go:noescape
func dots64AVX512(a *float64, stride, rows, n int, x, out *float64)

//go:noescape
func dots64AVX2(a *float64, stride, rows, n int, x, out *float64)

//go:noescape
func combine64AVX512(a *float64, stride, rows, n int, coef, y *float64)

//go:noescape
func combine64AVX2(a *float64, stride, rows, n int, coef, y *float64)

//go:noescape
func poles64AVX512(d, z *float64, n int, origin, tau float64) (sum, slope, curve float64)

//go:noescape
func poles64AVX2(d, z *float64, n int, origin, tau float64) (sum, slope, curve float64)

//go:noescape
func loewner64AVX512(w, delta, d *float64, n int, pole float64)

//go:noescape
func loewner64AVX2(w, delta, d *float64, n int, pole float64)

//go:noescape
func quotients64AVX512(t, z *float64, n int) float64

//go:noescape
func quotients64AVX2(t, z *float64, n int) float64

//go:noescape
func rotate64AVX512(q *float64, stride, cols int, cs *float64, count int)

//go:noescape
func rotate64AVX2(q *float64, stride, cols int, cs *float64, count int)

// multiply computes a tile. Bounds are checked here for all kernels, as assembly does not look.
func (c isa64) multiply(t *tile64) {
	if c < isa64(cpu.AVX2) {
		t.multiplyGeneric()
		return
	}
	_ = t.c[(lanes64-1)*t.cRow+t.vectors*lanes64-1]
	if t.k > 0 {
		_ = t.a[(lanes64-1)*t.aLane+(t.k-1)*t.aStep]
		_ = t.b[(t.k-1)*t.bStep+t.vectors*lanes64-1]
	}
	if c == isa64(cpu.AVX2) {
		multiply64AVX2(t)
	} else {
		multiply64AVX512(t)
	}
}

func (c isa64) symmetric(a []float64, stride, n int, x, y []float64) {
	_, _, _ = a[(lanes64-1)*stride+n-1], x[n-1], y[n-1]
	switch c {
	case isa64(cpu.Generic):
		symmetricGeneric(a, stride, n, x, y)
	case isa64(cpu.AVX2):
		symmetric64AVX2(&a[0], stride, n, &x[0], &y[0])
	default:
		symmetric64AVX512(&a[0], stride, n, &x[0], &y[0])
	}
}

func (c isa64) dots(a []float64, stride, rows int, x, out []float64) {
	if rows == 0 || len(x) == 0 {
		return
	}
	_, _ = a[(rows-1)*stride+len(x)-1], out[rows-1]
	switch c {
	case isa64(cpu.Generic):
		dotsGeneric(a, stride, rows, x, out)
	case isa64(cpu.AVX2):
		dots64AVX2(&a[0], stride, rows, len(x), &x[0], &out[0])
	default:
		dots64AVX512(&a[0], stride, rows, len(x), &x[0], &out[0])
	}
}

func (c isa64) combine(a []float64, stride, rows int, coef, y []float64) {
	if rows == 0 || len(y) == 0 {
		return
	}
	_, _ = a[(rows-1)*stride+len(y)-1], coef[rows-1]
	switch c {
	case isa64(cpu.Generic):
		combineGeneric(a, stride, rows, coef, y)
	case isa64(cpu.AVX2):
		combine64AVX2(&a[0], stride, rows, len(y), &coef[0], &y[0])
	default:
		combine64AVX512(&a[0], stride, rows, len(y), &coef[0], &y[0])
	}
}

func (c isa64) poles(d, z []float64, origin, tau float64) (sum, slope, curve float64) {
	d = d[:len(z)]
	switch {
	case len(z) == 0:
		return 0, 0, 0
	case c == isa64(cpu.Generic):
		return polesGeneric(d, z, origin, tau)
	case c == isa64(cpu.AVX2):
		return poles64AVX2(&d[0], &z[0], len(z), origin, tau)
	}
	return poles64AVX512(&d[0], &z[0], len(z), origin, tau)
}

func (c isa64) loewner(w, delta, d []float64, pole float64) {
	delta, d = delta[:len(w)], d[:len(w)]
	switch {
	case len(w) == 0:
	case c == isa64(cpu.Generic):
		loewnerGeneric(w, delta, d, pole)
	case c == isa64(cpu.AVX2):
		loewner64AVX2(&w[0], &delta[0], &d[0], len(w), pole)
	default:
		loewner64AVX512(&w[0], &delta[0], &d[0], len(w), pole)
	}
}

func (c isa64) quotients(t, z []float64) float64 {
	z = z[:len(t)]
	switch {
	case len(t) == 0:
		return 0
	case c == isa64(cpu.Generic):
		return quotientsGeneric(t, z)
	case c == isa64(cpu.AVX2):
		return quotients64AVX2(&t[0], &z[0], len(t))
	}
	return quotients64AVX512(&t[0], &z[0], len(t))
}

func (c isa64) rotate(q []float64, at, stride, cols int, cs []float64) {
	if len(cs) < 2 || cols == 0 {
		return
	}
	last := at + len(cs)/2*stride
	_, _ = q[at:][cols-1], q[last:][cols-1]
	switch c {
	case isa64(cpu.Generic):
		rotateGeneric(q, at, stride, cols, cs)
	case isa64(cpu.AVX2):
		rotate64AVX2(unsafe.SliceData(q[at:]), stride, cols, &cs[0], len(cs)/2)
	default:
		rotate64AVX512(unsafe.SliceData(q[at:]), stride, cols, &cs[0], len(cs)/2)
	}
}
