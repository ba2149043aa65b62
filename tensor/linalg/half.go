package linalg

import "math"

// Elements of bf16, the upper halves of float32s, are uint16 in this package.

// Narrow rounds src to bf16, to nearest and ties to even, with the same bits on every machine: what is subnormal is rounded
// like everything else and NaN stays a quiet NaN. dst is at least as long.
func Narrow(dst []uint16, src []float32) { narrow(dst[:len(src)], src) }

// Widen makes float32s of bf16, exactly. dst is at least as long.
func Widen(dst []float32, src []uint16) { widen(dst[:len(src)], src) }

// Pair lays even and odd, of one length, side by side: dst[2i] is even[i] and dst[2i+1] is odd[i].
func Pair(dst, even, odd []uint16) { pair(dst[:2*len(even)], even, odd[:len(even)]) }

func narrowGeneric(dst []uint16, src []float32) {
	dst = dst[:len(src)]
	for i, v := range src {
		dst[i] = narrowOne(v)
	}
}

// narrowRowsGeneric narrows the first cols elements of rows, which there are at least one of.
func narrowRowsGeneric(dst []uint16, dstRow int, src []float32, srcRow, rows, cols int) {
	for r := range rows {
		Narrow(dst[r*dstRow:], src[r*srcRow:][:cols])
	}
}

func narrowOne(v float32) uint16 {
	b := math.Float32bits(v)
	if v != v {
		return uint16(b>>16) | 0x40
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}

func widenGeneric(dst []float32, src []uint16) {
	dst = dst[:len(src)]
	for i, v := range src {
		dst[i] = widenOne(v)
	}
}

func widenOne(v uint16) float32 { return math.Float32frombits(uint32(v) << 16) }

func pairGeneric(dst, even, odd []uint16) {
	dst, odd = dst[:2*len(even)], odd[:len(even)]
	for i, v := range even {
		dst[2*i], dst[2*i+1] = v, odd[i]
	}
}
