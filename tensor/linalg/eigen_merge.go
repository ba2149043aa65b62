package linalg

import "math"

const (
	rootGrain  = 16 // roots that a task finds
	groupGrain = 8  // vectors of rows that a task multiplies
)

// eigenMerge joins the solutions of two neighbours, rows [lo, mid) and [mid, hi): it solves the matrix that has their
// eigenvalues on the diagonal, plus the update rho·z·zᵀ. Eigenvectors are rows of src, with columns [lo, end), and come
// out as rows of dst.
type eigenMerge struct {
	*eigenSolver
	lo, mid, hi int
	end         int // hi, padded to whole vectors
	src, dst    []float64
	rho         float64

	// Lists of rows or ranks, as long as the node. sorted has all rows in order of eigenvalue; kept those that take part in the
	// update, by rank, and dropped the others; column the ranks in order of class.
	sorted, kept, dropped, column, class []int
	classes                              [4]int // where each class begins in column

	rootBody, loewnerBody, vectorBody, packBody, productBody, copyBody func(worker, lo, hi int)
}

func newMerge(s *eigenSolver) *eigenMerge {
	m := &eigenMerge{eigenSolver: s}
	m.rootBody, m.loewnerBody, m.vectorBody = m.findRoots, m.refreshZ, m.setVectors
	m.packBody, m.productBody, m.copyBody = m.packRows, m.multiplyRows, m.copyRows
	return m
}

func (m *eigenMerge) run() {
	m.open()
	m.couple()
	m.mergeOrder()
	m.deflate()
	m.group()
	if k := len(m.kept); k > 0 {
		m.openUpdate()
		m.pool.For(k, rootGrain, m.rootBody)
		m.pool.For(parts(k, lanes64), groupGrain, m.loewnerBody)
		m.pool.For(k, rootGrain, m.vectorBody)
		m.pool.For(parts(m.mid-m.lo, strip64)+parts(m.end-m.mid, strip64), 1, m.packBody)
		m.pool.For(parts(k, lanes64), groupGrain, m.productBody)
	}
	m.pool.For(len(m.dropped), rootGrain, m.copyBody)
	m.close()
}

func (m *eigenMerge) open() {
	list := func(i int) []int { return m.index[i*m.np:][m.lo:m.hi] }
	m.sorted, m.kept, m.dropped = list(1), list(2)[:0], list(3)[:0]
	m.column, m.class = list(4), list(5)
}

// couple sets rho and z, of length 1: what the tearing took away, in terms of the neighbours' eigenvectors.
func (m *eigenMerge) couple() {
	off := m.e[m.mid-1]
	m.rho = 2 * math.Abs(off)
	for i := m.lo; i < m.mid; i++ {
		m.z[i] = m.src[i*m.ld+m.mid-1] / math.Sqrt2
		clear(m.src[i*m.ld+m.mid : i*m.ld+m.end])
	}
	for i := m.mid; i < m.hi; i++ {
		m.z[i] = math.Copysign(1/math.Sqrt2, off) * m.src[i*m.ld+m.mid]
		clear(m.src[i*m.ld+m.lo : i*m.ld+m.mid])
	}
}

func (m *eigenMerge) mergeOrder() {
	left, right := m.order[m.lo:m.mid], m.order[m.mid:m.hi]
	for at := range m.sorted {
		if len(right) == 0 || len(left) > 0 && m.d[left[0]] <= m.d[right[0]] {
			m.sorted[at], left = left[0], left[1:]
		} else {
			m.sorted[at], right = right[0], right[1:]
		}
	}
}

// The classes of eigenvectors: nonzero on the left, everywhere, on the right.
const (
	leftOnly = iota
	both
	rightOnly
)

// deflate drops rows that the update hardly changes: those of small z, and of two close eigenvalues one, after a rotation
// that makes its z 0. Neither moves the matrix by more than rounding.
func (m *eigenMerge) deflate() {
	largest := 0.0
	for i := m.lo; i < m.hi; i++ {
		largest = max(largest, math.Abs(m.d[i]), math.Abs(m.z[i]))
		m.class[i-m.lo] = leftOnly
		if i >= m.mid {
			m.class[i-m.lo] = rightOnly
		}
	}
	tol := 8 * unitRoundoff * largest
	last := -1 // the row before, which is kept unless the next one is too close
	for _, i := range m.sorted {
		switch {
		case m.rho*math.Abs(m.z[i]) <= tol:
			m.drop(i)
		case last < 0:
			last = i
		default:
			if !m.rotateAway(last, i, tol) {
				m.kept = append(m.kept, last)
			}
			last = i
		}
	}
	if last >= 0 {
		m.kept = append(m.kept, last)
	}
}

func (m *eigenMerge) drop(i int) {
	m.dropped = append(m.dropped, i)
	m.sink(m.dropped)
}

// rotateAway drops row i if a rotation with row j, which has the next larger eigenvalue, changes the matrix by no more
// than tol.
func (m *eigenMerge) rotateAway(i, j int, tol float64) bool {
	r := length2(m.z[i], m.z[j])
	c, s := m.z[j]/r, -m.z[i]/r
	if math.Abs((m.d[j]-m.d[i])*c*s) > tol {
		return false
	}
	m.z[i], m.z[j] = 0, r
	if m.class[i-m.lo] != m.class[j-m.lo] {
		m.class[j-m.lo] = both
	}
	m.isa.rotate(m.src, i*m.ld+m.lo, (j-i)*m.ld, m.end-m.lo, []float64{c, s})
	m.d[i], m.d[j] = m.d[i]*c*c+m.d[j]*s*s, m.d[i]*s*s+m.d[j]*c*c
	m.drop(i)
	return true
}

// group lists the kept ranks class by class, so that products leave out what is zero.
func (m *eigenMerge) group() {
	at := 0
	for class := leftOnly; class <= rightOnly; class++ {
		m.classes[class] = at
		for rank, i := range m.kept {
			if m.class[i-m.lo] == class {
				m.column[at] = rank
				at++
			}
		}
	}
	m.classes[rightOnly+1] = at
}

// openUpdate lays out the kept eigenvalues and z by rank, with an end to whole vectors that does nothing.
func (m *eigenMerge) openUpdate() {
	k := len(m.kept)
	for rank, i := range m.kept {
		m.dk[m.lo+rank], m.zk[m.lo+rank] = m.d[i], m.z[i]
	}
	for rank := k; rank < roundUp(k, lanes64); rank++ {
		m.dk[m.lo+rank], m.zk[m.lo+rank] = farAway, 0
		clear(m.update(rank))
	}
}

// farAway is a pole beyond all eigenvalues of a matrix whose elements are at most 1.
const farAway = 0x1p100

// update is the row of a rank in the matrix of eigenvectors of the update.
func (m *eigenMerge) update(rank int) []float64 {
	return m.s[(m.lo+rank)*m.ld:][:roundUp(len(m.kept), lanes64)]
}

// close stores the eigenvalues, the dropped ones behind the others, and the order of all.
func (m *eigenMerge) close() {
	k := len(m.kept)
	for at, i := range m.dropped {
		m.z[m.lo+k+at] = m.d[i]
	}
	copy(m.z[m.lo:], m.roots[m.lo:m.lo+k])
	copy(m.d[m.lo:m.hi], m.z[m.lo:])
	a, b := m.lo, m.lo+k
	for at := m.lo; at < m.hi; at++ {
		if b == m.hi || a < m.lo+k && m.d[a] <= m.d[b] {
			m.order[at] = a
			a++
		} else {
			m.order[at] = b
			b++
		}
	}
}
