package linalg

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// checkEigen solves a and compares eigenvalues with gonum's, A·v with λ·v, and products of eigenvectors with 0 and 1, within
// n/4 + 100 roundings of the largest eigenvalue. All is scaled so that the largest element is near 1: gonum's own scaling
// panics.
func checkEigen(t *testing.T, n int, a []float64) {
	t.Helper()
	values, vectors := make([]float64, n), make([]float64, n*n)
	if err := EigenSym(nil, n, a, values, vectors, nil); err != nil {
		t.Fatal(err)
	}
	if n == 0 {
		return
	}
	_, exponent := math.Frexp(max(slices.Max(a), -slices.Min(a)))
	matrix := mat.NewSymDense(n, scaledBy(a, -exponent))
	values = scaledBy(values, -exponent)
	var oracle mat.EigenSym
	if !oracle.Factorize(matrix, false) {
		t.Fatal("gonum does not converge")
	}
	want := oracle.Values(nil)
	tol := unitRoundoff * (float64(n)/4 + 100)
	size := tol*max(math.Abs(want[0]), math.Abs(want[n-1])) + math.Ldexp(float64(n), -1074-exponent)
	for j, v := range values {
		if !(math.Abs(v-want[j]) <= size) || j > 0 && values[j-1] > v {
			t.Fatalf("eigenvalue %d is %v, want %v ± %v", j, v, want[j], size)
		}
	}
	v := mat.NewDense(n, n, vectors)
	var product, gram mat.Dense
	product.Mul(v, matrix)
	gram.Mul(v, v.T())
	for j := range n {
		for i := range n {
			if got := product.At(j, i) - values[j]*v.At(j, i); !(math.Abs(got) <= size) {
				t.Fatalf("residual %d of eigenvector %d is %v, more than %v", i, j, got, size)
			}
			one := 0.0
			if i == j {
				one = 1
			}
			if got := gram.At(j, i) - one; !(math.Abs(got) <= tol) {
				t.Fatalf("eigenvectors %d and %d are %v off orthonormal, more than %v", i, j, got, tol)
			}
		}
	}
}

func scaledBy(x []float64, exponent int) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = math.Ldexp(v, exponent)
	}
	return y
}

func symmetricOf(n int, element func(i, j int) float64) []float64 {
	a := make([]float64, n*n)
	for i := range n {
		for j := range i + 1 {
			x := element(i, j)
			a[i*n+j], a[j*n+i] = x, x
		}
	}
	return a
}

func randomSymmetric(rng *rand.Rand, n int) []float64 {
	return symmetricOf(n, func(_, _ int) float64 { return rng.NormFloat64() })
}

// spectral is a matrix with given eigenvalues.
func spectral(rng *rand.Rand, n int, value func(k int) float64) []float64 {
	q, values := randomSymmetric(rng, n), make([]float64, n)
	if err := EigenSym(nil, n, q, values, q, nil); err != nil {
		panic(err)
	}
	a := make([]float64, n*n)
	for k := range n {
		w, row := value(k), q[k*n:][:n]
		for i, x := range row {
			for j, y := range row {
				a[i*n+j] += x * y * w
			}
		}
	}
	return symmetricOf(n, func(i, j int) float64 { return a[i*n+j] })
}

// decaying has eigenvalues from 1 down to 1e-8, as statistics of gradients have.
func decaying(rng *rand.Rand, n int) []float64 {
	return spectral(rng, n, func(k int) float64 { return math.Pow(10, -8*float64(k)/float64(n)) })
}

func tridiagonal(n int, d, e func(i int) float64) []float64 {
	return symmetricOf(n, func(i, j int) float64 {
		switch i - j {
		case 0:
			return d(i)
		case 1:
			return e(j)
		}
		return 0
	})
}

func constant(x float64) func(int) float64 { return func(int) float64 { return x } }

func scaled(factor float64) func(rng *rand.Rand, n int) []float64 {
	return func(rng *rand.Rand, n int) []float64 {
		a := randomSymmetric(rng, n)
		for i := range a {
			a[i] *= factor
		}
		return a
	}
}

var eigenKinds = []struct {
	name string
	make func(rng *rand.Rand, n int) []float64
}{
	{"zero", scaled(0)},
	{"large", scaled(1e300)},
	{"small", scaled(1e-300)},
	{"subnormal", scaled(1e-318)},
	{"ones", func(_ *rand.Rand, n int) []float64 { return symmetricOf(n, func(_, _ int) float64 { return 1 }) }},
	{"identity", func(_ *rand.Rand, n int) []float64 { return tridiagonal(n, constant(1), constant(0)) }},
	{"negative", func(rng *rand.Rand, n int) []float64 {
		return spectral(rng, n, func(k int) float64 { return -1 - float64(k) })
	}},
	{"rank 3", func(rng *rand.Rand, n int) []float64 {
		return spectral(rng, n, func(k int) float64 { return max(0, 3-float64(k)) })
	}},
	{"two eigenvalues", func(rng *rand.Rand, n int) []float64 {
		return spectral(rng, n, func(k int) float64 { return float64(k%2) + 1 })
	}},
	{"close eigenvalues", func(rng *rand.Rand, n int) []float64 {
		return spectral(rng, n, func(k int) float64 { return 1 + 1e-15*float64(k*k) })
	}},
	{"decaying", decaying},
	{"outlier", func(rng *rand.Rand, n int) []float64 {
		return spectral(rng, n, func(k int) float64 { return math.Pow(10, -12*min(float64(k), 1)) * (1 + float64(k)) })
	}},
	{"graded up", graded(func(i, n int) int { return i - n/2 })},
	{"graded down", graded(func(i, n int) int { return n/2 - i })},
	{"Wilkinson", func(_ *rand.Rand, n int) []float64 {
		return tridiagonal(n, func(i int) float64 { return math.Abs(float64(i) - float64(n-1)/2) }, constant(1))
	}},
	{"glued Wilkinson", func(_ *rand.Rand, n int) []float64 {
		return tridiagonal(n, func(i int) float64 { return math.Abs(float64(i%21) - 10) }, func(i int) float64 {
			if i%21 == 20 {
				return 1e-8
			}
			return 1
		})
	}},
	{"second difference", func(_ *rand.Rand, n int) []float64 { return tridiagonal(n, constant(2), constant(-1)) }},
	{"hollow", func(_ *rand.Rand, n int) []float64 { return tridiagonal(n, constant(0), constant(1)) }},
	{"arrow", func(_ *rand.Rand, n int) []float64 {
		return symmetricOf(n, func(i, j int) float64 {
			switch {
			case i == j:
				return float64(i)
			case j == 0:
				return 1
			}
			return 0
		})
	}},
	{"blocks", func(rng *rand.Rand, n int) []float64 {
		return symmetricOf(n, func(i, j int) float64 {
			if i/10 != j/10 {
				return 0
			}
			return rng.NormFloat64()
		})
	}},
	{"Hilbert", func(_ *rand.Rand, n int) []float64 {
		return symmetricOf(n, func(i, j int) float64 { return 1 / float64(i+j+1) })
	}},
}

// graded has rows and columns scaled from 1e-150 to 1e150.
func graded(order func(i, n int) int) func(rng *rand.Rand, n int) []float64 {
	return func(rng *rand.Rand, n int) []float64 {
		scale := func(i int) float64 { return math.Pow(10, 300*float64(order(i, n))/float64(n)) }
		return symmetricOf(n, func(i, j int) float64 { return rng.NormFloat64() * scale(i) * scale(j) })
	}
}
