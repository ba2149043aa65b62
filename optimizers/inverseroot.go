package optimizers

import (
	"fmt"
	"math"
)

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
	if err := s.solve(ar.pool); err != nil {
		return nil
	}
	lowest := min(s.values[0], 0)
	// R = (Λ^(-power/2)·V)ᵀ(Λ^(-power/2)·V), eigenvectors being rows, is symmetric to the last bit and one product.
	mark := ar.used
	half := square(ar.take(d*d), d)
	for j, v := range s.values {
		x := math.Pow(v-lowest+damping, -power/2)
		if math.IsInf(x, 0) {
			ar.release(mark)
			return fmt.Errorf("has no inverse root; raise damping")
		}
		row := half.data[j*d:][:d]
		for i, y := range s.vectors[j*d:][:d] {
			row[i] = T(y * x)
		}
	}
	gemm(ar, 1, half.t(), half, 0, square(out, d))
	ar.release(mark)
	return nil
}
