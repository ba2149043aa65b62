package optimizers

import "math"

// orthonormal writes into q the orthogonal factor of the QR decomposition of the d×d matrix a, by Householder
// reflections (Golub and Van Loan, Matrix Computations, 5.2.2), which hold for any rank. It overwrites a; tau has
// room for d numbers.
func orthonormal(d int, a, q, tau []float64) {
	// Reflections work on columns; transposed, those are contiguous.
	transpose(a, d)
	for k := range d {
		column := a[k*d:][:d]
		tau[k] = reflector(column[k:])
		for j := k + 1; j < d; j++ {
			reflect(column[k:], tau[k], a[j*d+k:][:d-k])
		}
	}
	clear(q[:d*d])
	for j := range d {
		q[j*d+j] = 1
	}
	for k := d - 1; k >= 0; k-- {
		for j := k; j < d; j++ {
			reflect(a[k*d+k:][:d-k], tau[k], q[j*d+k:][:d-k])
		}
	}
	transpose(q, d)
}

// reflector turns x into the vector v, v[0] = 1, of the reflection I - tau·v·vᵀ that takes x to a multiple of the
// first axis; tau is 0 when x lies on it already.
func reflector(x []float64) (tau float64) {
	rest := 0.0
	for _, v := range x[1:] {
		rest += v * v
	}
	if rest == 0 {
		x[0] = 1
		return 0
	}
	norm := math.Sqrt(x[0]*x[0] + rest)
	if x[0] > 0 {
		norm = -norm
	}
	tau = (norm - x[0]) / norm
	scale := 1 / (x[0] - norm)
	for i := range x[1:] {
		x[1+i] *= scale
	}
	x[0] = 1
	return tau
}

// reflect applies I - tau·v·vᵀ to y.
func reflect(v []float64, tau float64, y []float64) {
	if tau == 0 {
		return
	}
	y = y[:len(v)]
	sum := 0.0
	for i, x := range v {
		sum += x * y[i]
	}
	sum *= tau
	for i, x := range v {
		y[i] -= sum * x
	}
}

func transpose(a []float64, d int) {
	for i := range d {
		for j := range i {
			a[i*d+j], a[j*d+i] = a[j*d+i], a[i*d+j]
		}
	}
}
