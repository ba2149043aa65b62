package optimizers

import (
	"math"
	"sync"
)

// panelWidth is how many reflections are gathered before they are applied as matrix products.
const panelWidth = 32

// panel is scratch memory for a panel of a QR decomposition, which is decomposed in float64.
type panel struct{ v, t, tau []float64 }

var panels sync.Pool

// orthonormal writes into q the orthogonal factor of the QR decomposition of a, both d×d, by Householder reflections,
// which hold for any rank, in the blocked form I - V·T·Vᵀ (Golub and Van Loan, Matrix Computations, 5.2.3; Schreiber and
// Van Loan 1989). It overwrites a. Reflections are computed in float64 and applied in the matrix's precision.
func orthonormal[T number](ar *arena[T], a, q mat[T]) {
	d := a.rows
	mark := ar.used
	p, _ := panels.Get().(*panel)
	if p == nil {
		p = &panel{}
	}
	vs := ar.take(d * d)                  // V of all panels: reflections are rows, from the panel's first on
	ts := ar.take(d * min(d, panelWidth)) // T of all panels
	block := func(k int) (v, t mat[T]) {
		width := min(panelWidth, d-k)
		v = mat[T]{vs[k*d:], width, d - k, d - k, 1}
		return v, mat[T]{ts[k*panelWidth:], width, width, width, 1}
	}
	for k := 0; k < d; k += panelWidth {
		v, t := block(k)
		p.decompose(d-k, v.rows, func(i, j int) float64 { return float64(a.data[(k+i)*a.rs+(k+j)*a.cs]) })
		for i, x := range p.v {
			v.data[i] = T(x)
		}
		for i, x := range p.t {
			t.data[i] = T(x)
		}
		if rest := k + v.rows; rest < d {
			reflectAll(ar, v, t.t(), a.part(k, rest))
		}
	}
	for i := range d {
		for j := range d {
			q.data[i*q.rs+j*q.cs] = 0
		}
		q.data[i*(q.rs+q.cs)] = 1
	}
	for k := (d - 1) / panelWidth * panelWidth; k >= 0; k -= panelWidth {
		v, t := block(k)
		reflectAll(ar, v, t, q.part(k, k))
	}
	panels.Put(p)
	ar.release(mark)
}

// part is the matrix from row and column on.
func (m mat[T]) part(row, col int) mat[T] {
	m.data = m.data[row*m.rs+col*m.cs:]
	m.rows, m.cols = m.rows-row, m.cols-col
	return m
}

// reflectAll computes c ← c - Vᵀ·T·V·c, for V as rows.
func reflectAll[T number](ar *arena[T], v, t, c mat[T]) {
	mark := ar.used
	vc := mat[T]{ar.take(v.rows * c.cols), v.rows, c.cols, c.cols, 1}
	tvc := mat[T]{ar.take(v.rows * c.cols), v.rows, c.cols, c.cols, 1}
	gemm(ar, 1, v, c, 0, vc)
	gemm(ar, 1, t, vc, 0, tvc)
	gemm(ar, -1, v.t(), tvc, 1, c)
	ar.release(mark)
}

// decompose finds the reflections of a matrix of few columns and, with them, T.
func (p *panel) decompose(rows, cols int, at func(i, j int) float64) {
	p.v, p.t, p.tau = resized(p.v, rows*cols), resized(p.t, cols*cols), resized(p.tau, cols)
	for j := range cols {
		for i := range rows {
			p.v[j*rows+i] = at(i, j)
		}
	}
	for k := range cols {
		column := p.v[k*rows+k : (k+1)*rows]
		p.tau[k] = reflector(column)
		for j := k + 1; j < cols; j++ {
			reflect(column, p.tau[k], p.v[j*rows+k:(j+1)*rows])
		}
		clear(p.v[k*rows:][:k])
	}
	for k, tau := range p.tau {
		p.t[k*cols+k] = tau
		var along [panelWidth]float64
		for j := range k {
			along[j] = -tau * dot(p.v[j*rows+k:(j+1)*rows], p.v[k*rows+k:(k+1)*rows])
		}
		for i := range k {
			p.t[i*cols+k] = dot(p.t[i*cols+i:i*cols+k], along[i:k])
		}
	}
}

func dot(x, y []float64) float64 {
	y = y[:len(x)]
	var s0, s1, s2, s3 float64
	i := 0
	for ; i+4 <= len(x); i += 4 {
		s0 += x[i] * y[i]
		s1 += x[i+1] * y[i+1]
		s2 += x[i+2] * y[i+2]
		s3 += x[i+3] * y[i+3]
	}
	for ; i < len(x); i++ {
		s0 += x[i] * y[i]
	}
	return s0 + s1 + (s2 + s3)
}

// reflector turns x into the vector v, v[0] = 1, of the reflection I - tau·v·vᵀ that takes x to a multiple of the
// first axis; tau is 0 when x lies on it already.
func reflector(x []float64) (tau float64) {
	rest := dot(x[1:], x[1:])
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
	sum := tau * dot(v, y)
	for i, x := range v {
		y[i] -= sum * x
	}
}
