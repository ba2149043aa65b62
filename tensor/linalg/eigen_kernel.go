package linalg

import "github.com/onnxtrain/onnxtrain/internal/cpu"

// isa64 is the instruction set of the float64 kernels under the eigensolver. Vectors of the kernels are lanes64 elements
// long on every machine, so that matrices padded to whole vectors need no masks.
type isa64 cpu.Level

const lanes64 = 8

// strip64 is the width of the register tile, three vectors, and lanes64 its height.
const strip64 = 3 * lanes64

func currentISA64() isa64 { return isa64(min(cpu.Current(), cpu.AVX512)) }

// tile64 is a call of the float64 product: lanes64 rows and vectors (1 to 3) times lanes64 columns of
//
//	c = alpha*sum(a*b) + beta*c
//
// c is not read when beta is 0. Assembly reads the fields through their offsets and takes of a slice only its address.
type tile64 struct {
	a            []float64
	aLane, aStep int // distance of neighbours in rows and in k
	b            []float64
	bStep        int // distance of neighbours in k; neighbours in columns touch
	c            []float64
	cRow         int
	k, vectors   int
	alpha, beta  float64
}

func (t *tile64) multiplyGeneric() {
	for i := range lanes64 {
		for v := range t.vectors {
			var s0, s1, s2, s3, s4, s5, s6, s7 float64
			for k := range t.k {
				x := t.a[i*t.aLane+k*t.aStep]
				b := t.b[k*t.bStep+v*lanes64:][:lanes64]
				s0 += x * b[0]
				s1 += x * b[1]
				s2 += x * b[2]
				s3 += x * b[3]
				s4 += x * b[4]
				s5 += x * b[5]
				s6 += x * b[6]
				s7 += x * b[7]
			}
			c := t.c[i*t.cRow+v*lanes64:][:lanes64]
			for j, s := range [lanes64]float64{s0, s1, s2, s3, s4, s5, s6, s7} {
				s *= t.alpha
				if t.beta != 0 {
					s += t.beta * c[j]
				}
				c[j] = s
			}
		}
	}
}

// symmetricGeneric adds to y the product of x with lanes64 rows of a symmetric matrix and, but for the first vector, their
// mirrored columns. The rows are n long and start on the diagonal.
func symmetricGeneric(a []float64, stride, n int, x, y []float64) {
	for r := range lanes64 {
		row, v := a[r*stride:][:n], x[r]
		x, y := x[:n], y[:n]
		sum := 0.0
		for j := range lanes64 {
			sum += row[j] * x[j]
		}
		for j := lanes64; j < n; j++ {
			sum += row[j] * x[j]
			y[j] += row[j] * v
		}
		y[r] += sum
	}
}

// dotsGeneric sets out to the inner products of rows of a with x, whose length is a multiple of lanes64. The number of rows is a
// multiple of 4.
func dotsGeneric(a []float64, stride, rows int, x, out []float64) {
	n := len(x)
	for r := 0; r < rows; r += 4 {
		a0, a1 := a[r*stride:][:n], a[(r+1)*stride:][:n]
		a2, a3 := a[(r+2)*stride:][:n], a[(r+3)*stride:][:n]
		var s0, s1, s2, s3 float64
		for j, v := range x {
			s0 += v * a0[j]
			s1 += v * a1[j]
			s2 += v * a2[j]
			s3 += v * a3[j]
		}
		out[r], out[r+1], out[r+2], out[r+3] = s0, s1, s2, s3
	}
}

// combineGeneric adds to y, whose length is a multiple of lanes64, the rows of a weighted by coef. Their number is a multiple
// of 4.
func combineGeneric(a []float64, stride, rows int, coef, y []float64) {
	n := len(y)
	for r := 0; r < rows; r += 4 {
		a0, a1 := a[r*stride:][:n], a[(r+1)*stride:][:n]
		a2, a3 := a[(r+2)*stride:][:n], a[(r+3)*stride:][:n]
		c0, c1, c2, c3 := coef[r], coef[r+1], coef[r+2], coef[r+3]
		for j := range y {
			y[j] += c0*a0[j] + c1*a1[j] + (c2*a2[j] + c3*a3[j])
		}
	}
}

// polesGeneric sums z²/δ, z²/δ² and z²/δ³ for δ = (d - origin) - tau.
func polesGeneric(d, z []float64, origin, tau float64) (sum, slope, curve float64) {
	d = d[:len(z)]
	for j, x := range z {
		r := 1 / ((d[j] - origin) - tau)
		t := x * r
		sum += x * t
		t *= t
		slope += t
		curve += t * r
	}
	return sum, slope, curve
}

// loewnerGeneric multiplies w by delta/(d - pole).
func loewnerGeneric(w, delta, d []float64, pole float64) {
	delta, d = delta[:len(w)], d[:len(w)]
	for j := range w {
		w[j] *= delta[j] / (d[j] - pole)
	}
}

// quotientsGeneric replaces t by z/t and gives the sum of its squares.
func quotientsGeneric(t, z []float64) (sum float64) {
	z = z[:len(t)]
	for j := range t {
		q := z[j] / t[j]
		t[j] = q
		sum += q * q
	}
	return sum
}

// rotateGeneric applies plane rotations, given as pairs of cosine and sine, to the rows at, at+stride, … of q: rotation i
// takes rows i and i+1, x and y, to c·x + s·y and c·y - s·x. Rows are cols long, a multiple of lanes64.
func rotateGeneric(q []float64, at, stride, cols int, cs []float64) {
	for ; len(cs) >= 2; cs = cs[2:] {
		c, s := cs[0], cs[1]
		x, y := q[at:][:cols], q[at+stride:][:cols]
		for j, v := range x {
			u := y[j]
			x[j] = c*v + s*u
			y[j] = c*u - s*v
		}
		at += stride
	}
}
