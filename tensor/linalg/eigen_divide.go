package linalg

import "math"

const (
	leafVectors  = 4   // a problem of so many vectors of rows is solved by QL
	mergeIndexes = 6   // lists of row numbers
	forkSize     = 256 // nodes from this size on are merged one by one, each by all threads
)

// divide solves the tridiagonal problem (d, e): d becomes its eigenvalues, rows of q[0] its eigenvectors, order their ranks.
// The matrix is torn into leaves of about equal size, all at one depth of a binary tree; those are solved, and
// level by level two neighbours are merged into the other q.
func (s *eigenSolver) divide() error {
	depth := s.plant()
	for leaf := 1; leaf < 1<<depth; leaf++ {
		at := s.bound(leaf, depth, depth)
		rho := math.Abs(s.e[at-1])
		s.d[at-1] -= rho
		s.d[at] -= rho
	}
	s.depth, s.level = depth, depth
	s.pool.For(1<<depth, 1, s.leafBody)
	for s.level = depth - 1; s.level >= 0; s.level-- {
		nodes := 1 << s.level
		if s.np>>s.level >= forkSize {
			s.mergeNodes(0, 0, nodes)
		} else {
			s.pool.For(nodes, 1, s.mergeBody)
		}
	}
	if s.failed.Load() {
		return errNoConverge
	}
	return nil
}

// plant chooses the borders of the leaves and gives their depth.
func (s *eigenSolver) plant() (depth int) {
	vectors := s.np / lanes64
	for parts(vectors, 1<<depth) > leafVectors {
		depth++
	}
	if need := 1<<depth + 1; len(s.leaves) < need {
		s.leaves = make([]int, need)
	}
	s.leaves[0], s.leaves[1<<depth] = 0, s.np
	for step := 1 << depth; step > 1; step /= 2 {
		for at := 0; at < 1<<depth; at += step {
			lo, hi := s.leaves[at]/lanes64, s.leaves[at+step]/lanes64
			s.leaves[at+step/2] = (lo + hi + 1) / 2 * lanes64
		}
	}
	for len(s.merges) < 1<<depth {
		s.merges = append(s.merges, newMerge(s))
	}
	s.failed.Store(false)
	return depth
}

// bound is the first row of a node of a level.
func (s *eigenSolver) bound(node, level, depth int) int { return s.leaves[node<<(depth-level)] }

func (s *eigenSolver) solveLeaves(_, first, last int) {
	q := s.q[s.depth&1]
	for leaf := first; leaf < last; leaf++ {
		lo, end := s.leaves[leaf], s.leaves[leaf+1]
		hi := min(end, s.n)
		for i := lo; i < hi; i++ {
			clear(q[i*s.ld+lo : i*s.ld+end])
			q[i*s.ld+i] = 1
		}
		var cs [2 * leafVectors * lanes64]float64
		if !s.isa.implicitQL(s.d[lo:hi], s.e[lo:hi], q, lo*s.ld+lo, s.ld, end-lo, cs[:]) {
			s.failed.Store(true)
		}
		for i := lo; i < hi; i++ {
			s.insert(s.order[lo:i+1], i)
		}
	}
}

// insert puts row i in its place among rows that ascend, of which the last one is not there yet.
func (s *eigenSolver) insert(rows []int, i int) {
	at := len(rows) - 1
	for ; at > 0 && s.d[rows[at-1]] > s.d[i]; at-- {
		rows[at] = rows[at-1]
	}
	rows[at] = i
}

func (s *eigenSolver) mergeNodes(_, first, last int) {
	for node := first; node < last; node++ {
		m := s.merges[node]
		m.lo, m.mid = s.bound(node, s.level, s.depth), s.bound(2*node+1, s.level+1, s.depth)
		m.end = s.bound(node+1, s.level, s.depth)
		m.hi = min(m.end, s.n)
		m.src, m.dst = s.q[(s.level+1)&1], s.q[s.level&1]
		m.run()
	}
}
