package linalg

import "math"

const (
	leafVectors  = 4   // size of a leaf, at most, in lanes64 rows: QL takes them
	mergeIndexes = 6   // lists of row numbers
	forkSize     = 256 // nodes from this size on are merged one by one, each by all threads
)

// eigenTree solves the tridiagonal problem (d, e). The matrix is torn into leaves of about equal size, all at one depth
// of a binary tree; those are solved, and level by level two neighbours are merged from one q into the other.
type eigenTree struct {
	*eigenSolver
	depth               int
	level               int   // in progress
	leaves              []int // first rows, and an end
	leafBody, mergeBody func(worker, lo, hi int)
}

func (t *eigenTree) bind(s *eigenSolver) {
	t.eigenSolver = s
	t.leafBody, t.mergeBody = t.solveLeaves, t.mergeNodes
}

// solve makes d the eigenvalues, rows of q[0] the eigenvectors, and order their ranks.
func (t *eigenTree) solve() {
	t.plant()
	for leaf := 1; leaf < 1<<t.depth; leaf++ {
		at := t.leaves[leaf]
		rho := math.Abs(t.e[at-1])
		t.d[at-1] -= rho
		t.d[at] -= rho
	}
	t.pool.For(1<<t.depth, 1, t.leafBody)
	for t.level = t.depth - 1; t.level >= 0; t.level-- {
		if t.np>>t.level >= forkSize {
			t.mergeNodes(0, 0, 1<<t.level)
		} else {
			t.pool.For(1<<t.level, 1, t.mergeBody)
		}
	}
}

// plant chooses the depth and the borders of the leaves.
func (t *eigenTree) plant() {
	vectors := t.np / lanes64
	t.depth = 0
	for parts(vectors, 1<<t.depth) > leafVectors {
		t.depth++
	}
	count := 1 << t.depth
	if len(t.leaves) <= count {
		t.leaves = make([]int, count+1)
	}
	t.leaves[0], t.leaves[count] = 0, t.np
	for step := count; step > 1; step /= 2 {
		for at := 0; at < count; at += step {
			lo, hi := t.leaves[at]/lanes64, t.leaves[at+step]/lanes64
			t.leaves[at+step/2] = (lo + hi + 1) / 2 * lanes64
		}
	}
	for len(t.merges) < count {
		t.merges = append(t.merges, newMerge(t.eigenSolver))
	}
}

func (t *eigenTree) solveLeaves(_, first, last int) {
	q := t.q[t.depth&1]
	for leaf := first; leaf < last; leaf++ {
		lo, end := t.leaves[leaf], t.leaves[leaf+1]
		hi := min(end, t.n)
		for i := lo; i < hi; i++ {
			clear(q[i*t.ld+lo : i*t.ld+end])
			q[i*t.ld+i] = 1
		}
		var cs [2 * leafVectors * lanes64]float64
		if !t.isa.implicitQL(t.d[lo:hi], t.e[lo:hi], q, lo*t.ld+lo, t.ld, end-lo, cs[:]) {
			t.failed.Store(true)
		}
		for i := lo; i < hi; i++ {
			t.order[i] = i
			t.sink(t.order[lo : i+1])
		}
	}
}

// sink moves the last of rows to its place among the others, whose eigenvalues ascend.
func (s *eigenSolver) sink(rows []int) {
	at := len(rows) - 1
	i := rows[at]
	for ; at > 0 && s.d[rows[at-1]] > s.d[i]; at-- {
		rows[at] = rows[at-1]
	}
	rows[at] = i
}

func (t *eigenTree) mergeNodes(_, first, last int) {
	width := 1 << (t.depth - t.level) // leaves of a node
	for node := first; node < last; node++ {
		m := t.merges[node]
		m.lo, m.mid, m.end = t.leaves[node*width], t.leaves[node*width+width/2], t.leaves[(node+1)*width]
		m.hi = min(m.end, t.n)
		m.src, m.dst = t.q[(t.level+1)&1], t.q[t.level&1]
		m.run()
	}
}
