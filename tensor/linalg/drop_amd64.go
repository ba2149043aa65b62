//go:build amd64 && !noasm

package linalg

import "github.com/onnxtrain/onnxtrain/internal/cpu"

// dropoutAVX512 takes a positive multiple of dropTurn elements.
//
//go:noescape
func dropoutAVX512(dst, x []float32, state uint64, threshold uint32, scale float32)

const dropTurn = 32

func (d Drop) words(dst, x []float32, state uint64) {
	if whole := len(dst) &^ (dropTurn - 1); whole > 0 && cpu.Current() >= cpu.AVX512 {
		dropoutAVX512(dst[:whole], x[:whole], state, d.Threshold, d.Scale)
		dst, x, state = dst[whole:], x[whole:], state+uint64(whole/2)*golden
	}
	d.wordsGeneric(dst, x, state)
}
