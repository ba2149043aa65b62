package linalg

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/onnxtrain/onnxtrain/internal/par"
)

func TestEigenSizes(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 1))
		sizes := []int{200, 256, 300}
		for n := 0; n <= 200; n += 1 + n/66*4 {
			sizes = append(sizes, n)
		}
		for _, n := range sizes {
			t.Run(fmt.Sprint(n), func(t *testing.T) { checkEigen(t, n, randomSymmetric(rng, n)) })
		}
	})
}

// TestEigenKinds solves matrices that are hard for one part of the method or another, at sizes of one leaf and of several levels.
func TestEigenKinds(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		for _, kind := range eigenKinds {
			for _, n := range []int{1, 2, 3, 31, 33, 64, 100, 150} {
				t.Run(fmt.Sprint(kind.name, n), func(t *testing.T) {
					checkEigen(t, n, kind.make(rand.New(rand.NewPCG(2, uint64(n))), n))
				})
			}
		}
	})
}

func TestEigenDiagonal(t *testing.T) {
	const n = 70
	a := make([]float64, n*n)
	for i := range n {
		a[i*n+i] = float64((i*37)%n) - 20
	}
	values, vectors := make([]float64, n), make([]float64, n*n)
	if err := EigenSym(nil, n, a, values, vectors, nil); err != nil {
		t.Fatal(err)
	}
	for j, v := range values {
		if v != float64(j)-20 {
			t.Fatalf("eigenvalue %d is %v", j, v)
		}
		for i, x := range vectors[j*n:][:n] {
			if (a[i*n+i] == v) != (x == 1) || x != 0 && x != 1 {
				t.Fatalf("element %d of eigenvector %d is %v", i, j, x)
			}
		}
	}
}

// What is left of the diagonal is not read, and the result may overwrite the matrix.
func TestEigenInPlace(t *testing.T) {
	const n = 90
	a := randomSymmetric(rand.New(rand.NewPCG(3, 3)), n)
	values, vectors := make([]float64, n), make([]float64, n*n)
	if err := EigenSym(nil, n, a, values, vectors, nil); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		for j := range i {
			a[i*n+j] = math.NaN()
		}
	}
	again := make([]float64, n)
	work := make([]float64, EigenSymWork(n))
	for i := range work {
		work[i] = math.NaN()
	}
	if err := EigenSym(nil, n, a, again, a, work); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(values, again) || !slices.Equal(vectors, a) {
		t.Error("the result differs in place")
	}
}

func TestEigenNotFinite(t *testing.T) {
	for _, n := range []int{1, 2, 40, 100} {
		for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			a := randomSymmetric(rand.New(rand.NewPCG(4, 4)), n)
			a[n/2*n+n-1] = bad
			if err := EigenSym(nil, n, a, make([]float64, n), make([]float64, n*n), nil); err == nil {
				t.Errorf("size %d: %v is accepted", n, bad)
			}
		}
	}
}

func TestEigenThreads(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(5, 5))
		for _, n := range []int{40, 200, 530} {
			a := randomSymmetric(rng, n)
			var values, vectors []float64
			for threads := 1; threads <= 3; threads++ {
				p := par.New(threads)
				v, x := make([]float64, n), make([]float64, n*n)
				if err := EigenSym(p, n, a, v, x, nil); err != nil {
					t.Fatal(err)
				}
				p.Close()
				if threads == 1 {
					values, vectors = v, x
				} else if !slices.Equal(values, v) || !slices.Equal(vectors, x) {
					t.Errorf("size %d: %d threads change the result", n, threads)
				}
			}
		}
	})
}

func TestEigenDoesNotAllocate(t *testing.T) {
	p := par.New(2)
	defer p.Close()
	for _, n := range []int{5, 100, 300} {
		a := randomSymmetric(rand.New(rand.NewPCG(6, 6)), n)
		values, vectors, work := make([]float64, n), make([]float64, n*n), make([]float64, EigenSymWork(n))
		solve := func() {
			if err := EigenSym(p, n, a, values, vectors, work); err != nil {
				t.Fatal(err)
			}
		}
		solve()
		if got := testing.AllocsPerRun(5, solve); got != 0 {
			t.Errorf("size %d: %v allocations", n, got)
		}
	}
}

func TestEigenRefusesWrongShapes(t *testing.T) {
	x := make([]float64, 9)
	for name, call := range map[string]func(){
		"negative": func() { _ = EigenSym(nil, -1, x, x, x, nil) },
		"matrix":   func() { _ = EigenSym(nil, 3, x[:8], x, x, nil) },
		"values":   func() { _ = EigenSym(nil, 3, x, x[:2], x, nil) },
		"vectors":  func() { _ = EigenSym(nil, 3, x, x, x[:8], nil) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("accepted")
				}
			}()
			call()
		})
	}
}
