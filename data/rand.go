package data

import (
	"math"
	"math/bits"
)

// Rand is a stream of random numbers that depends on a seed, an epoch and an index alone, so that what is drawn for an
// example does not depend on which goroutine draws it. The generator is SplitMix64 (Steele, Lea and Flood, "Fast
// splittable pseudorandom number generators", 2014), started at a hash of the three.
type Rand struct{ state uint64 }

const splitMixGamma = 0x9e3779b97f4a7c15

// NewRand starts the stream of an example.
func NewRand(seed, epoch, index uint64) *Rand {
	r := randAt(seed, epoch, index)
	return &r
}

func randAt(seed, epoch, index uint64) Rand {
	h := mix64(seed + splitMixGamma)
	h = mix64(h ^ (epoch + splitMixGamma))
	return Rand{mix64(h ^ (index + splitMixGamma))}
}

func mix64(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Uint64 is uniform over all 64-bit numbers.
func (r *Rand) Uint64() uint64 {
	r.state += splitMixGamma
	return mix64(r.state)
}

// Float64 is uniform over [0, 1), a multiple of 2^-53.
func (r *Rand) Float64() float64 { return float64(r.Uint64()>>11) * 0x1p-53 }

// Intn is uniform over [0, n); 0 when n is not positive.
func (r *Rand) Intn(n int) int {
	if n <= 0 {
		return 0
	}
	// Lemire, "Fast random integer generation in an interval" (2019): the rejection removes the bias.
	bound := uint64(n)
	hi, lo := bits.Mul64(r.Uint64(), bound)
	for lo < bound && lo < -bound%bound {
		hi, lo = bits.Mul64(r.Uint64(), bound)
	}
	return int(hi)
}

// Norm is normally distributed with mean 0 and variance 1, by the Box-Muller transform. It keeps no second number, so
// that each call takes two numbers of the stream.
func (r *Rand) Norm() float64 {
	radius := math.Sqrt(-2 * math.Log(1-r.Float64()))
	return radius * math.Cos(2*math.Pi*r.Float64())
}

// shuffle permutes p by Fisher and Yates.
func (r *Rand) shuffle(p []int) {
	for i := len(p) - 1; i > 0; i-- {
		j := r.Intn(i + 1)
		p[i], p[j] = p[j], p[i]
	}
}
