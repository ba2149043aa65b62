//go:build amd64 && !noasm

package linalg

import "github.com/onnxtrain/onnxtrain/internal/cpu"

// sweepAVX512 computes tiles whose last one may have any number of columns.
//
//go:noescape
func sweepAVX512(t *sweep)

// sweepAVX2 computes whole vectors.
//
//go:noescape
func sweepAVX2(t *sweep)

//go:noescape
func weaveAVX512(t *weave)

func multiplySweep(kern *kernel, t *sweep) {
	switch {
	case kern.level >= cpu.AVX512:
		sweepAVX512(t)
	case kern.level == cpu.AVX2:
		sweepAVX2(t)
	default:
		sweepGeneric(t)
	}
}

func copyWeave(kern *kernel, t *weave) {
	if kern.level >= cpu.AVX512 {
		weaveAVX512(t)
		return
	}
	weaveGeneric(t, kern.nr/2)
}
