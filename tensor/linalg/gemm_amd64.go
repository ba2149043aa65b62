//go:build amd64 && !noasm

package linalg

import "github.com/onnxtrain/onnxtrain/internal/cpu"

//go:generate go -C _asm run ./gemm -out ..

func init() {
	kernels[cpu.AVX2] = &kernel{level: cpu.AVX2, mr: 6, nr: 16, kc: 256, strided: true, columns: 8}
	kernels[cpu.AVX512] = &kernel{level: cpu.AVX512, mr: 14, nr: 32, kc: 256, strided: true, columns: 1}
}

// gemmAVX512 computes any tile whose columns of C touch.
//
//go:noescape
func gemmAVX512(t *micro)

// gemmAVX2 does too, but for 8 or 16 columns only: masked stores are slow where there is no AVX-512.
//
//go:noescape
func gemmAVX2(t *micro)

func multiply(kern *kernel, t *micro) {
	switch {
	case kern.level == cpu.Generic:
		multiplyGeneric(t)
	case t.cCol != 1 || t.cols%kern.columns != 0:
		multiplyAside(kern, t)
	case kern.level == cpu.AVX2:
		gemmAVX2(t)
	default:
		gemmAVX512(t)
	}
}

// multiplyAside computes the plain sums of whole vectors in a buffer and finishes them from there.
func multiplyAside(kern *kernel, t *micro) {
	var sums [14 * 32]float32
	plain := micro{a: t.a, aLane: t.aLane, aStep: t.aStep, b: t.b, bStep: t.bStep, c: sums[:], cRow: kern.nr, cCol: 1,
		k: t.k, rows: t.rows, cols: roundUp(t.cols, kern.columns), alpha: 1}
	multiply(kern, &plain)
	t.store(sums[:], kern.nr)
}
