package optimizers

import (
	"fmt"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack"
	"gonum.org/v1/gonum/lapack/lapack64"

	"github.com/onnxtrain/onnxtrain/internal/par"
)

// eigenSym computes the eigenvalues of the symmetric n×n matrix a, ascending, and its eigenvectors as columns of v.
func eigenSym(_ *par.Pool, n int, a, values, v []float64) error {
	// An odd stride spreads columns over the cache's sets; with 768, say, the same work takes six times as long.
	stride := n | 1
	work := make([]float64, n*stride)
	for i := range n {
		copy(work[i*stride:][:n], a[i*n:])
	}
	s := blas64.Symmetric{N: n, Stride: stride, Data: work, Uplo: blas.Upper}
	size := []float64{0}
	lapack64.Syev(lapack.EVCompute, s, values, size, -1)
	scratch := make([]float64, int(size[0]))
	if !lapack64.Syev(lapack.EVCompute, s, values, scratch, len(scratch)) {
		return fmt.Errorf("eigenvalues of a %d×%d matrix do not converge", n, n)
	}
	for i := range n {
		copy(v[i*n:][:n], work[i*stride:])
	}
	return nil
}
