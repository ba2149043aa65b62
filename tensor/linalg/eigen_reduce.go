package linalg

import "math"

const (
	panelWidth = 32      // columns that are reduced before the rest of the matrix is updated
	symChunks  = 8       // parts of a product with the matrix, at most
	symArea    = 1 << 16 // elements of a part, at least
	trailGrain = 4       // groups of rows of the rest that a task updates
	negligible = 1e-280  // squares under this have lost digits
)

// eigenReduction brings the matrix to tridiagonal form. For each column of a panel it keeps the reflector v and the vector w
// of the update A - v·wᵀ - w·vᵀ as rows, in the order V, W, V: the update is then one product of the first two parts with
// the last two.
type eigenReduction struct {
	*eigenSolver
	u      []float64 // V, W, V
	first  int       // of the panel
	x, y   []float64 // of the product with the matrix
	column int       // that is being reduced
	base   int       // column of x[0]
	chunks int       // parts of that product, part c having rows bounds[c] to bounds[c+1] of those from base on
	bounds [symChunks + 1]int

	partial             []float64
	symBody, updateBody func(worker, lo, hi int)
}

func (r *eigenReduction) bind(s *eigenSolver) {
	r.eigenSolver = s
	r.symBody, r.updateBody = r.symPart, r.updateRows
}

// forget drops the caller's memory.
func (r *eigenReduction) forget() { r.u, r.x, r.y, r.partial = nil, nil, nil, nil }

// tridiagonalise sets d, e and tau, and the rows of a to the reflectors.
func (r *eigenReduction) tridiagonalise() {
	r.u, r.partial = r.s[:3*panelWidth*r.ld], r.q[1]
	clear(r.u)
	clear(r.coef)
	for r.first = 0; r.first < r.n; r.first += panelWidth {
		end := min(r.first+panelWidth, r.n)
		for j := r.first; j < end; j++ {
			r.reduceRow(j)
		}
		if end < r.n {
			r.pool.For(parts(r.np-end, lanes64), trailGrain, r.updateBody)
		}
	}
}

// vRow and wRow are the vectors of step k of the panel, from a column on.
func (r *eigenReduction) vRow(k, from int) []float64 { return r.u[k*r.ld:][from:r.np] }
func (r *eigenReduction) wRow(k, from int) []float64 { return r.u[(panelWidth+k)*r.ld:][from:r.np] }

// reduceRow brings row j up to date and reflects all of it but two elements away.
func (r *eigenReduction) reduceRow(j int) {
	k := j - r.first
	r.column = j
	r.refreshRow(j, k)
	row := r.a[j*r.ld:][:r.np]
	r.d[j] = row[j]
	if j == r.n-1 {
		r.e[j], r.tau[j] = 0, 0
		clear(row)
		return
	}
	r.e[j], r.tau[j] = reflector(row[j+1 : r.n])
	clear(row[:j+1])
	v := r.vRow(k, 0)
	copy(v, row)
	copy(r.u[(2*panelWidth+k)*r.ld:], v)
	r.setW(j, k)
}

// refreshRow subtracts the k updates of the panel from row j.
func (r *eigenReduction) refreshRow(j, k int) {
	if k == 0 {
		return
	}
	from := j &^ (lanes64 - 1)
	rows := roundUp(k, 4)
	for _, pair := range [][2]int{{0, panelWidth}, {panelWidth, 0}} {
		for i := range k {
			r.coef[i] = -r.u[(pair[1]+i)*r.ld+j]
		}
		clear(r.coef[k:rows])
		r.isa.combine(r.u[pair[0]*r.ld+from:], r.ld, rows, r.coef, r.a[j*r.ld+from:][:r.np-from])
	}
}

// reflector overwrites x with v, v[0] = 1, such that (I - tau·v·vᵀ)·x = (beta, 0, …). Tiny elements are dropped rather
// than reflected with few digits.
func reflector(x []float64) (beta, tau float64) {
	square := 0.0
	for _, v := range x[1:] {
		square += v * v
	}
	first := x[0]
	x[0] = 1
	if square < negligible {
		clear(x[1:])
		return first, 0
	}
	beta = -math.Copysign(math.Sqrt(first*first+square), first)
	scale := 1 / (first - beta)
	for i := range x[1:] {
		x[1+i] *= scale
	}
	return beta, (beta - first) / beta
}

// setW computes w = tau·(A·v - (tau/2)·(vᵀ·A·v)·v) for the matrix A that the k updates before it leave.
func (r *eigenReduction) setW(j, k int) {
	from := (j + 1) &^ (lanes64 - 1)
	tau := r.tau[j]
	clear(r.u[(panelWidth+k)*r.ld:][:r.np])
	if tau == 0 {
		return
	}
	v, w := r.vRow(k, from), r.wRow(k, from)
	r.multiply(v, w, from)
	for i := 0; i < k; i += 4 { // few rows at a time, which the second passage finds in the first cache
		left, right := r.u[i*r.ld+from:], r.u[(panelWidth+i)*r.ld+from:]
		var byLeft, byRight [4]float64
		r.isa.dots(left, r.ld, 4, v, byLeft[:])
		r.isa.dots(right, r.ld, 4, v, byRight[:])
		for l := range 4 {
			byLeft[l], byRight[l] = -byLeft[l], -byRight[l]
			if i+l >= k {
				byLeft[l], byRight[l] = 0, 0
			}
		}
		r.isa.combine(left, r.ld, 4, byRight[:], w)
		r.isa.combine(right, r.ld, 4, byLeft[:], w)
	}
	clear(w[:j+1-from])
	sum := 0.0
	for i, x := range w {
		sum += x * v[i]
	}
	shift := tau / 2 * sum
	for i, x := range w {
		w[i] = tau * (x - shift*v[i])
	}
}

// multiply adds the product of what is left of the matrix, from a column on, with x to y.
func (r *eigenReduction) multiply(x, y []float64, from int) {
	m := len(x)
	r.x, r.y, r.base = x, y, from
	r.chunks = min(max(m*m/2/symArea, 1), symChunks)
	for c := range r.chunks {
		// Equal areas right of the diagonal.
		r.bounds[c] = int(float64(m)*(1-math.Sqrt(1-float64(c)/float64(r.chunks)))) &^ (lanes64 - 1)
	}
	r.bounds[r.chunks] = m
	r.pool.For(r.chunks, 1, r.symBody)
	for c := 1; c < r.chunks; c++ {
		part := r.partial[c*r.ld:][:m]
		for i := r.bounds[c]; i < m; i++ {
			y[i] += part[i]
		}
	}
}

// symPart multiplies with parts of the matrix and their mirrored columns, each but the first into a sum of its own. Every
// other product goes upwards: it then begins with the rows that the one before has left in the cache.
func (r *eigenReduction) symPart(_, lo, hi int) {
	up := r.column%2 == 0
	for c := lo; c < hi; c++ {
		part := c
		if up {
			part = r.chunks - 1 - c
		}
		y := r.y
		if part > 0 {
			y = r.partial[part*r.ld:][:len(r.x)]
			clear(y[r.bounds[part]:])
		}
		first, end := r.bounds[part], r.bounds[part+1]
		for i := first; i < end; i += lanes64 {
			row := i
			if up {
				row = first + end - lanes64 - i
			}
			at := r.base + row
			r.isa.symmetric(r.a[at*r.ld+at:], r.ld, r.np-at, r.x[row:], y[row:])
		}
	}
}

// updateRows applies the updates of the panel to groups of rows of what is left of the matrix.
func (r *eigenReduction) updateRows(_, lo, hi int) {
	begin := r.first + panelWidth
	t := tile64{aLane: 1, aStep: r.ld, bStep: r.ld, cRow: r.ld, k: 2 * panelWidth, alpha: -1, beta: 1}
	for col := begin + lo*lanes64; col < r.np; col += strip64 {
		t.b = r.u[panelWidth*r.ld+col:]
		t.vectors = min(strip64, r.np-col) / lanes64
		for row := begin + lo*lanes64; row < min(begin+hi*lanes64, col+strip64, r.np); row += lanes64 {
			t.a, t.c = r.u[row:], r.a[row*r.ld+col:]
			r.isa.multiply(&t)
		}
	}
}
