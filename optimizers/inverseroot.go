package optimizers

import (
	"fmt"
	"math"
	"sync"
)

// spectrum is the scratch memory of a decomposition, which is in float64 whatever the statistics are kept in:
// damping may lie far below float32's resolution of the largest eigenvalue.
type spectrum struct{ a, values, vectors []float64 }

var spectra sync.Pool

func borrowSpectrum(n int) *spectrum {
	s, _ := spectra.Get().(*spectrum)
	if s == nil || cap(s.a) < n*n {
		s = &spectrum{make([]float64, n*n), make([]float64, n), make([]float64, n*n)}
	}
	s.a, s.values, s.vectors = s.a[:n*n], s.values[:n], s.vectors[:n*n]
	return s
}

// inverseRoot computes out ← (scale·A - min(λ, 0)·I + damping·I)^-power for a symmetric d×d matrix A with smallest
// eigenvalue λ: rounding can bring λ below zero. Where the decomposition does not converge out stays as it is, as in
// distributed_shampoo. Errors continue a sentence that names the matrix.
func inverseRoot[T number](ar *arena[T], d int, a []T, scale, damping, power float64, out []T) error {
	s := borrowSpectrum(d)
	defer spectra.Put(s)
	for i, x := range a[:d*d] {
		v := scale * float64(x)
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("is no longer finite; lower lr")
		}
		s.a[i] = v
	}
	if err := eigenSym(ar.pool, d, s.a, s.values, s.vectors); err != nil {
		return nil
	}
	lowest := math.Inf(1)
	for _, v := range s.values {
		lowest = min(lowest, v)
	}
	// R = (V·Λ^(-power/2))(V·Λ^(-power/2))ᵀ is symmetric to the last bit and one product.
	for j, v := range s.values {
		x := math.Pow(v-min(lowest, 0)+damping, -power/2)
		if math.IsInf(x, 0) {
			return fmt.Errorf("has no inverse root; raise damping")
		}
		s.values[j] = x
	}
	mark := ar.used
	half := square(ar.take(d*d), d)
	for i, v := range s.vectors {
		half.data[i] = T(v * s.values[i%d])
	}
	gemm(ar, 1, half, half.t(), 0, square(out, d))
	ar.release(mark)
	return nil
}
