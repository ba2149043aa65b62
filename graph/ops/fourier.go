package ops

import "math"

// fourier is the discrete Fourier transform y[k] = sum over n of x[n] exp(sign 2πi k n / len(x)), without a factor, by
// splitting the length into its prime factors (Cooley and Tukey 1965).
func fourier(x []complex128, sign float64) []complex128 {
	y := make([]complex128, len(x))
	t := transform{turn: unitRoots(len(x), sign)}
	t.run(y, x, 1)
	return y
}

// transform is a mixed-radix transform by decimation in time. turn are the roots of the whole length.
type transform struct{ turn, terms []complex128 }

// run transforms the len(y) numbers that lie step apart from the start of x.
func (t *transform) run(y, x []complex128, step int) {
	n := len(y)
	p := smallestFactor(n)
	if p <= 1 {
		copy(y, x)
		return
	}
	m := n / p
	for r := range p {
		t.run(y[r*m:(r+1)*m], x[r*step:], step*p)
	}
	if len(t.terms) < p {
		t.terms = make([]complex128, p)
	}
	terms := t.terms[:p]
	for k := range m {
		for r := range terms {
			terms[r] = y[r*m+k]
		}
		for to := k; to < n; to += m {
			var sum complex128
			for r, term := range terms {
				sum += term * t.turn[to*r%n*step]
			}
			y[to] = sum
		}
	}
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
