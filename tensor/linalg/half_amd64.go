//go:build amd64 && !noasm

package linalg

import "github.com/onnxtrain/onnxtrain/internal/cpu"

//go:generate go -C _asm run ./half -out ..

//go:noescape
func narrowAVX512(dst []uint16, src []float32)

//go:noescape
func widenAVX512(dst []float32, src []uint16)

//go:noescape
func pairAVX512(dst, even, odd []uint16)

// The functions for AVX2 do whole vectors of 16 elements and leave the rest.
//
//go:noescape
func narrowAVX2(dst []uint16, src []float32)

//go:noescape
func widenAVX2(dst []float32, src []uint16)

//go:noescape
func pairAVX2(dst, even, odd []uint16)

// avx2Elements is what a turn of the functions for AVX2 takes.
const avx2Elements = 16

func narrow(dst []uint16, src []float32) {
	done := 0
	switch level := cpu.Current(); {
	case level >= cpu.AVX512:
		narrowAVX512(dst, src)
		return
	case level == cpu.AVX2:
		narrowAVX2(dst, src)
		done = len(src) &^ (avx2Elements - 1)
	}
	narrowGeneric(dst[done:], src[done:])
}

//go:noescape
func narrowRowsAVX512(dst []uint16, dstRow int, src []float32, srcRow, rows, cols int)

func narrowRows(dst []uint16, dstRow int, src []float32, srcRow, rows, cols int) {
	if cpu.Current() >= cpu.AVX512 {
		narrowRowsAVX512(dst, dstRow, src, srcRow, rows, cols)
		return
	}
	narrowRowsGeneric(dst, dstRow, src, srcRow, rows, cols)
}

func widen(dst []float32, src []uint16) {
	done := 0
	switch level := cpu.Current(); {
	case level >= cpu.AVX512:
		widenAVX512(dst, src)
		return
	case level == cpu.AVX2:
		widenAVX2(dst, src)
		done = len(src) &^ (avx2Elements - 1)
	}
	widenGeneric(dst[done:], src[done:])
}

func pair(dst, even, odd []uint16) {
	done := 0
	switch level := cpu.Current(); {
	case level >= cpu.AVX512:
		pairAVX512(dst, even, odd)
		return
	case level == cpu.AVX2:
		pairAVX2(dst, even, odd)
		done = len(even) &^ (avx2Elements - 1)
	}
	pairGeneric(dst[2*done:], even[done:], odd[done:])
}

// pairRowsAVX512 lays pairs of rows, of up to 32 elements, side by side in rows of 32 pairs.
//
//go:noescape
func pairRowsAVX512(dst, src []uint16, step, pairs, lanes int)

//go:noescape
func narrowPairRowsAVX512(dst []uint16, src []float32, step, pairs, lanes int)

func pairRows(dst, src []uint16, step, pairs, lanes int) {
	if cpu.Current() >= cpu.AVX512 {
		pairRowsAVX512(dst, src, step, pairs, lanes)
		return
	}
	pairRowsGeneric(dst, src, step, pairs, lanes)
}

func narrowPairRows(dst []uint16, src []float32, step, pairs, lanes int) {
	if cpu.Current() >= cpu.AVX512 {
		narrowPairRowsAVX512(dst, src, step, pairs, lanes)
		return
	}
	narrowPairRowsGeneric(dst, src, step, pairs, lanes)
}
