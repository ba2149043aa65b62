package linalg

import "math"

// qlSweeps is how many sweeps an eigenvalue may take; two are usual.
const qlSweeps = 60

// unitRoundoff is the largest relative error of a rounding to float64.
const unitRoundoff = 0x1p-53

// implicitQL brings the symmetric tridiagonal matrix with diagonal d and off-diagonal e[:len(d)-1] to diagonal form by QL
// sweeps with implicit shifts (Martin, Wilkinson 1968), applying their rotations to rows of q: a row for each element of d,
// the first one at an offset, of which cols elements count. cs is scratch of 2·len(d) elements. It reports whether all
// eigenvalues converged.
//
// An element of e counts as 0 when it is within the rounding of its neighbours, or of the rounding of 1, which the
// largest element is near: sweeps would not get on with matrices that span a hundred orders of magnitude.
func (c isa64) implicitQL(d, e, q []float64, at, stride, cols int, cs []float64) bool {
	for l := range d {
		for sweeps := 0; ; sweeps++ {
			m := l
			for m < len(d)-1 && math.Abs(e[m]) > unitRoundoff*(math.Abs(d[m])+math.Abs(d[m+1])+unitRoundoff) {
				m++
			}
			if m == l {
				break
			}
			if sweeps == qlSweeps {
				return false
			}
			rotations := qlSweep(d, e, l, m, cs)
			c.rotate(q, at+m*stride, -stride, cols, cs[:2*rotations])
		}
	}
	return true
}

// qlSweep chases the bulge from row m up to row l and gives the number of rotations, each with the row above, that it wrote
// to cs.
func qlSweep(d, e []float64, l, m int, cs []float64) int {
	g := (d[l+1] - d[l]) / (2 * e[l])
	shift := d[l] - e[l]/(g+math.Copysign(math.Hypot(g, 1), g)) // Wilkinson's
	g = d[m] - shift
	cos, sin, p := 1.0, 1.0, 0.0
	for i := m - 1; i >= l; i-- {
		f, b := sin*e[i], cos*e[i]
		r := length2(f, g)
		if i < m-1 {
			e[i+1] = r
		}
		if r == 0 { // the matrix falls apart below row i
			d[i+1] -= p
			return m - 1 - i
		}
		sin, cos = f/r, g/r
		g = d[i+1] - p
		r = (d[i]-g)*sin + 2*cos*b
		p = sin * r
		d[i+1] = g + p
		g = cos*r - b
		cs[2*(m-1-i)], cs[2*(m-1-i)+1] = cos, sin
	}
	d[l] -= p
	e[l] = g
	return m - l
}

// length2 is √(x²+y²).
func length2(x, y float64) float64 {
	if s := x*x + y*y; s > negligible {
		return math.Sqrt(s)
	}
	return math.Hypot(x, y)
}
