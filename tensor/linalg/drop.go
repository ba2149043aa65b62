package linalg

import "math"

//go:generate go -C _asm run ./drop -out ..

// Drop is dropout: an element is kept, times Scale, where its random number is not below Threshold, and 0 otherwise. The
// number of element i is the lower half (i even) or the upper half (i odd) of SplitMix64's word
//
//	mix(Base + (i/2 + 1)*0x9e3779b97f4a7c15)
//
// (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014), whose mix is SplitMix.
type Drop struct {
	Base      uint64
	Threshold uint32
	Scale     float32
}

// NewDrop is the Drop that drops a share ratio, below 1, of elements and makes up for it in the others.
func NewDrop(base uint64, ratio float64) Drop {
	return Drop{Base: base, Threshold: uint32(math.Round(ratio * (1 << 32))), Scale: float32(1 / (1 - ratio))}
}

const golden uint64 = 0x9e3779b97f4a7c15

// SplitMix is the output function of SplitMix64.
func SplitMix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Run sets dst to x after dropout, where dst[0] is element first; dst may be x.
func (d Drop) Run(dst, x []float32, first int) {
	x = x[:len(dst)]
	if first%2 != 0 && len(dst) > 0 {
		dst[0] = d.keep(x[0], uint32(SplitMix(d.Base+uint64(first/2+1)*golden)>>32))
		dst, x, first = dst[1:], x[1:], first+1
	}
	for len(dst) > block {
		d.words(dst[:block], x[:block], d.state(first))
		dst, x, first = dst[block:], x[block:], first+block
	}
	d.words(dst, x, d.state(first))
}

// state is the counter before the word of element first, which is even; it wraps around.
func (d Drop) state(first int) uint64 { return d.Base + uint64(first/2)*golden }

// wordsGeneric is Run from an even element on, whose word follows state.
func (d Drop) wordsGeneric(dst, x []float32, state uint64) {
	x = x[:len(dst)]
	for len(dst) >= 2 && len(x) >= 2 {
		state += golden
		word := SplitMix(state)
		dst[0] = d.keep(x[0], uint32(word))
		dst[1] = d.keep(x[1], uint32(word>>32))
		dst, x = dst[2:], x[2:]
	}
	if len(dst) > 0 && len(x) > 0 {
		dst[0] = d.keep(x[0], uint32(SplitMix(state+golden)))
	}
}

// keep is without a branch, which nothing could predict.
func (d Drop) keep(v float32, bits uint32) float32 {
	below := uint32((int64(bits) - int64(d.Threshold)) >> 63)
	return math.Float32frombits(math.Float32bits(v*d.Scale) &^ below)
}
