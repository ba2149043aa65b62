package op

import "github.com/onnxtrain/onnxtrain/tensor"

// Uniform is a float32 tensor of numbers in [lo, hi) that depend on seed alone, for samples and tests.
func Uniform(seed uint64, lo, hi float64, shape ...int) *tensor.Tensor {
	t := tensor.New(tensor.Float32, shape...)
	x := t.F32()
	for i := range x {
		// SplitMix64 (Steele, Lea, Flood 2014).
		seed += 0x9e3779b97f4a7c15
		z := seed
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		z ^= z >> 31
		x[i] = float32(lo + (hi-lo)*float64(z>>11)/(1<<53))
	}
	return t
}

// Normalish is a float32 tensor of numbers around 0, most of them within [-2, 2].
func Normalish(seed uint64, shape ...int) *tensor.Tensor {
	a, b := Uniform(seed, -1.5, 1.5, shape...), Uniform(seed^0xabcdef, -1.5, 1.5, shape...)
	for i, v := range b.F32() {
		a.F32()[i] += v
	}
	return a
}
