package linalg

import (
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"unsafe"

	"github.com/onnxtrain/onnxtrain/internal/par"
)

var (
	errNotFinite  = errors.New("the matrix has an element that is not finite")
	errNoConverge = errors.New("the eigenvalues do not converge")
)

// EigenSym computes all eigenvalues and eigenvectors of the symmetric n x n matrix a, stored row after row, of which it
// reads the diagonal and what is right of it. Eigenvalues ascend; row j of vectors is the eigenvector of values[j], of length 1,
// its sign arbitrary but always the same. vectors may be a itself; otherwise a stays as it is. work is scratch of
// EigenSymWork elements: with less, EigenSym allocates it.
//
// Residuals and the distance of the vectors from orthogonality are a small multiple of n times float64's rounding of
// the largest eigenvalue. Elements may have any size as long as the eigenvalues are within float64's range. It is an
// error when an element is not finite. Then, and when an iteration does not converge, of which no case is known, values and
// vectors are undefined.
//
// The matrix is reduced to tridiagonal form by blocked reflections (Dongarra, Hammarling, Sorensen 1989), that is solved by
// divide and conquer (Cuppen 1981; Gu, Eisenstat 1995), and the reflections are applied to its eigenvectors in compact form
// (Schreiber, Van Loan 1989).
func EigenSym(p *par.Pool, n int, a, values, vectors, work []float64) error {
	if n < 0 || len(a) < n*n || len(values) < n || len(vectors) < n*n {
		panic(fmt.Sprintf("linalg: eigenproblem of size %d with %d elements, %d values, %d elements of vectors",
			n, len(a), len(values), len(vectors)))
	}
	if n == 0 {
		return nil
	}
	if need := EigenSymWork(n); len(work) < need {
		work = make([]float64, need)
	}
	s := newEigenSolver()
	defer s.release()
	s.lay(p, n, work)
	exponent, err := s.load(a)
	if err != nil {
		return err
	}
	s.reduction.tridiagonalise()
	s.tree.solve()
	if s.failed.Load() {
		return errNoConverge
	}
	s.back.run(vectors)
	for j, i := range s.order[:n] {
		values[j] = math.Ldexp(s.d[i], exponent)
	}
	return nil
}

// EigenSymWork is the number of float64s of scratch that EigenSym wants for an n x n matrix: about 4.5·n·(n+30).
func EigenSymWork(n int) int {
	padded := roundUp(n, lanes64)
	square := padded * leading(padded)
	return lanes64 + 3*square + eigenVectors*padded + square + packSize(padded)
}

const eigenVectors = 9

// packSize is the size of eigenMemory.pack: half a matrix, and what incomplete strips and blocks take more.
func packSize(padded int) int {
	return padded*leading(padded)/2 + spareColumns*padded + backWidth*backWidth
}

const spareColumns = 80

// leading is the distance of rows of length padded: an odd number of cache lines, so that columns spread over the cache.
func leading(padded int) int {
	if padded/lanes64%2 == 0 {
		return padded + lanes64
	}
	return padded
}

// eigenMemory is the caller's scratch. Matrices have n rows and columns, zero-padded to whole vectors.
type eigenMemory struct {
	a      []float64    // the matrix, later the reflectors: row j has that of step j right of the diagonal
	q      [2][]float64 // scratch of the reduction, later eigenvectors of the tridiagonal matrix as rows
	s      []float64    // panels of the reduction, then eigenvectors of rank-one updates, then blocks of reflectors
	pack   []float64    // the end of s, behind a matrix
	d, e   []float64    // the tridiagonal matrix: diagonal, later eigenvalues, and what is right of it
	tau    []float64    // scales of the reflectors
	z      []float64    // of a merge: the update's vector, by row
	dk, zk []float64    // of a merge: eigenvalues and vector of what takes part, by rank
	roots  []float64    // of a merge: new eigenvalues, by rank
	zhat   []float64    // of a merge: the vector that fits the roots, by rank
	coef   []float64    // of the reduction: coefficients of a row's updates
}

// eigenSolver is a solution in progress. Its loop bodies are bound once, and solvers are kept for reuse, so that a solution
// allocates nothing.
type eigenSolver struct {
	eigenMemory
	pool      *par.Pool
	isa       isa64
	n, np, ld int // order, padded order, and distance of rows

	reduction eigenReduction
	tree      eigenTree
	merges    []*eigenMerge
	back      eigenBack

	index  []int // memory of order and of merges
	order  []int // rows by ascending eigenvalue, within each node of the tree
	failed atomic.Bool
}

var idleEigen = make(chan *eigenSolver, 16)

func newEigenSolver() *eigenSolver {
	select {
	case s := <-idleEigen:
		return s
	default:
	}
	s := new(eigenSolver)
	s.reduction.bind(s)
	s.tree.bind(s)
	s.back.bind(s)
	return s
}

func (s *eigenSolver) release() {
	s.eigenMemory, s.pool, s.back.out = eigenMemory{}, nil, nil
	s.reduction.forget()
	select {
	case idleEigen <- s:
	default:
	}
}

// lay cuts work into matrices and vectors.
func (s *eigenSolver) lay(p *par.Pool, n int, work []float64) {
	s.pool, s.isa, s.n, s.np = p, currentISA64(), n, roundUp(n, lanes64)
	s.ld = leading(s.np)
	square := s.np * s.ld
	work = work[-uintptr(unsafe.Pointer(unsafe.SliceData(work)))/8%lanes64:]
	take := func(n int) (part []float64) {
		part, work = work[:n:n], work[n:]
		return part
	}
	s.a, s.q[0], s.q[1] = take(square), take(square), take(square)
	for _, v := range []*[]float64{&s.d, &s.e, &s.tau, &s.z, &s.dk, &s.zk, &s.roots, &s.zhat, &s.coef} {
		*v = take(s.np)
	}
	s.s = take(square + packSize(s.np))
	s.pack = s.s[square:]
	if need := mergeIndexes * s.np; len(s.index) < need {
		s.index = make([]int, need)
	}
	s.order = s.index[:s.np]
	s.failed.Store(false)
}

// load copies the matrix, scaled by a power of two so that its largest element is near 1, and gives the exponent
// that undoes it.
func (s *eigenSolver) load(a []float64) (exponent int, err error) {
	n, largest := s.n, 0.0
	for i := range n {
		for _, x := range a[i*n+i : (i+1)*n] {
			largest = max(largest, math.Abs(x))
		}
	}
	if math.IsNaN(largest) || math.IsInf(largest, 0) {
		return 0, errNotFinite
	}
	_, exponent = math.Frexp(largest)
	// Of the least exponents, the inverse is out of range; the factors are not.
	half := math.Ldexp(1, -exponent/2)
	rest := math.Ldexp(1, -exponent+exponent/2)
	clear(s.a)
	for i := range n {
		row := s.a[i*s.ld:][i:n]
		for j, x := range a[i*n+i : (i+1)*n] {
			row[j] = x * half * rest
		}
	}
	// Kernels take squares on the diagonal whole.
	for i := range s.np {
		for j := i &^ (lanes64 - 1); j < i; j++ {
			s.a[i*s.ld+j] = s.a[j*s.ld+i]
		}
	}
	return exponent, nil
}
