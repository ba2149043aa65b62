package ops

import "math"

// fourier is the discrete Fourier transform y[k] = sum over n of x[n] exp(sign 2πi k n / len(x)), without a factor, by
// splitting the length into its prime factors (Cooley and Tukey 1965).
func fourier(x []complex128, sign float64) []complex128 {
	n := len(x)
	p := smallestFactor(n)
	if p <= 1 {
		return x
	}
	m := n / p
	parts := make([][]complex128, p)
	for r := range parts {
		part := make([]complex128, m)
		for i := range part {
			part[i] = x[i*p+r]
		}
		parts[r] = fourier(part, sign)
	}
	turn := unitRoots(n, sign)
	y := make([]complex128, n)
	for k := range y {
		for r, part := range parts {
			y[k] += part[k%m] * turn[k*r%n]
		}
	}
	return y
}

func smallestFactor(n int) int {
	for p := 2; p*p <= n; p++ {
		if n%p == 0 {
			return p
		}
	}
	return n
}

// unitRoots are exp(sign 2πi k/n).
func unitRoots(n int, sign float64) []complex128 {
	roots := make([]complex128, n)
	for k := range roots {
		sin, cos := math.Sincos(sign * 2 * math.Pi * float64(k) / float64(n))
		roots[k] = complex(cos, sin)
	}
	return roots
}
