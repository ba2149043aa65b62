package optimizers

import (
	"sync"

	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

// spectrum is the scratch memory of a decomposition, which is in float64 whatever the statistics are kept in:
// damping may lie far below float32's resolution of the largest eigenvalue.
type spectrum struct{ a, values, vectors, work []float64 }

var spectra sync.Pool

func borrowSpectrum(n int) *spectrum {
	s, _ := spectra.Get().(*spectrum)
	if s == nil || cap(s.a) < n*n {
		s = &spectrum{make([]float64, n*n), make([]float64, n), make([]float64, n*n), make([]float64, linalg.EigenSymWork(n))}
	}
	s.a, s.values, s.vectors = s.a[:n*n], s.values[:n], s.vectors[:n*n]
	return s
}

// solve computes the eigenvalues of the symmetric matrix a, ascending, and its eigenvectors as rows of vectors.
func (s *spectrum) solve(pool *par.Pool) error {
	return linalg.EigenSym(pool, len(s.values), s.a, s.values, s.vectors, s.work)
}
