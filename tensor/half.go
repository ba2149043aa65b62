package tensor

import "math"

// BFloat16 is the upper half of a float32. It is a struct so that arithmetic on the bits does not compile.
type BFloat16 struct{ bits uint16 }

// ToBFloat16 rounds to nearest, ties to even; NaN stays a quiet NaN.
func ToBFloat16(f float32) BFloat16 {
	b := math.Float32bits(f)
	if f != f {
		return BFloat16{uint16(b>>16) | 0x40}
	}
	b += 0x7fff + b>>16&1
	return BFloat16{uint16(b >> 16)}
}

// Float32 widens exactly.
func (b BFloat16) Float32() float32 { return math.Float32frombits(uint32(b.bits) << 16) }

// Half is an IEEE 754 binary16 number.
type Half struct{ bits uint16 }

// ToHalf rounds to nearest, ties to even, with subnormals; NaN stays a quiet NaN.
func ToHalf(f float32) Half {
	b := math.Float32bits(f)
	sign := uint16(b >> 16 & 0x8000)
	abs := b & 0x7fffffff
	switch {
	case abs > 0x7f800000:
		return Half{sign | 0x7e00 | uint16(abs>>13&0x3ff)}
	case abs >= 0x47800000: // 2^16 and above; rounding up to it from below is handled by the carry
		return Half{sign | 0x7c00}
	case abs >= 0x38800000: // normal in binary16
		abs += 0xfff + abs>>13&1
		return Half{sign | uint16((abs-0x38000000)>>13)}
	default: // subnormal: adding 2^-1 puts the units of 2^-24 at the mantissa's end, rounded by the hardware
		sub := math.Float32bits(math.Float32frombits(abs)+0.5) - math.Float32bits(0.5)
		return Half{sign | uint16(sub)}
	}
}

// Float32 widens exactly.
func (h Half) Float32() float32 {
	sign := uint32(h.bits&0x8000) << 16
	exponent := uint32(h.bits>>10) & 0x1f
	mantissa := uint32(h.bits & 0x3ff)
	switch exponent {
	case 0:
		f := float32(mantissa) * (1.0 / (1 << 24))
		return math.Float32frombits(math.Float32bits(f) | sign)
	case 31:
		return math.Float32frombits(sign | 0x7f800000 | mantissa<<13)
	default:
		return math.Float32frombits(sign | (exponent+112)<<23 | mantissa<<13)
	}
}
