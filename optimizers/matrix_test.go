package optimizers

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func TestGemm(t *testing.T) {
	for _, size := range [][3]int{{1, 1, 1}, {3, 5, 7}, {17, 9, 33}, {64, 40, 100}} {
		m, n, k := size[0], size[1], size[2]
		for layout := range 8 {
			t.Run(fmt.Sprint(m, n, k, layout), func(t *testing.T) {
				a, b, c := view[float32](layout&1 > 0, m, k, 1), view[float32](layout&2 > 0, k, n, 2), view[float32](layout&4 > 0, m, n, 3)
				want := make([]float64, m*n)
				for i := range m {
					for j := range n {
						sum := 0.0
						for l := range k {
							sum += float64(a.data[i*a.rs+l*a.cs]) * float64(b.data[l*b.rs+j*b.cs])
						}
						want[i*n+j] = 0.5*sum + 0.25*float64(c.data[i*c.rs+j*c.cs])
					}
				}
				gemm(&arena[float32]{}, 0.5, a, b, 0.25, c)
				for i := range m {
					for j := range n {
						if got := float64(c.data[i*c.rs+j*c.cs]); math.Abs(got-want[i*n+j]) > 1e-5*math.Sqrt(float64(k))*4 {
							t.Fatalf("(%d,%d) is %v, want %v", i, j, got, want[i*n+j])
						}
					}
				}
			})
		}
	}
}

// view is a random matrix, stored by columns when transposed.
func view[T number](transposed bool, rows, cols int, seed uint64) mat[T] {
	data := make([]T, rows*cols)
	for i, x := range normals(seed, len(data)) {
		data[i] = T(x)
	}
	if transposed {
		return mat[T]{data, rows, cols, 1, rows}
	}
	return mat[T]{data, rows, cols, cols, 1}
}

func TestInverseRoot(t *testing.T) {
	for _, d := range []int{1, 2, 16, 65} {
		t.Run(fmt.Sprint(d), func(t *testing.T) {
			a := square(make([]float64, d*d), d)
			x := view[float64](false, d, d, 4)
			plainGemm(1, x, x.t(), 0, a)
			var ar arena[float64]
			r := square(make([]float64, d*d), d)
			if err := inverseRoot(&ar, d, a.data, 2, 0.5, 0.25, r.data); err != nil {
				t.Fatal(err)
			}
			for i := range a.data {
				a.data[i] *= 2
			}
			one := make([]float64, d*d)
			for i := range d {
				a.data[i*d+i] += 0.5
				one[i*d+i] = 1
			}
			near(t, product(r, r, r, r, a).data, one, 1e-9)
		})
	}
	var ar arena[float32]
	if err := inverseRoot(&ar, 1, []float32{0}, 1, 0, 0.5, []float32{0}); err == nil {
		t.Error("the inverse root of 0 without damping is accepted")
	}
	if err := inverseRoot(&ar, 1, []float32{float32(math.NaN())}, 1, 0, 0.5, []float32{0}); err == nil {
		t.Error("NaN is accepted")
	}
}

// TestOrthonormal checks Q's columns and that QᵀA is upper triangular, for matrices of full rank and not, over several
// panels, and that the result does not depend on the number of threads.
func TestOrthonormal(t *testing.T) {
	for _, d := range []int{1, 2, 31, 32, 33, 65, 130} {
		for _, rank := range []int{d, (d + 1) / 2} {
			t.Run(fmt.Sprint(d, rank), func(t *testing.T) {
				a64 := product(view[float64](false, d, rank, 5), view[float64](false, rank, d, 6))
				checkOrthonormal(t, a64, 1e-12)
				a32 := square(make([]float32, d*d), d)
				for i, x := range a64.data {
					a32.data[i] = float32(x)
				}
				checkOrthonormal(t, a32, 2e-5)
			})
		}
	}
}

func checkOrthonormal[T number](t *testing.T, a mat[T], tol float64) {
	t.Helper()
	d := a.rows
	var first []T
	for threads := 1; threads <= 2; threads++ {
		pool := par.New(threads)
		defer pool.Close()
		work, q := square(slices.Clone(a.data), d), square(make([]T, d*d), d)
		orthonormal(&arena[T]{pool: pool}, work, q)
		if first == nil {
			first = q.data
		} else if !slices.Equal(first, q.data) {
			t.Error("depends on the number of threads")
		}
	}
	q, whole := square(make([]float64, d*d), d), square(make([]float64, d*d), d)
	for i := range first {
		q.data[i], whole.data[i] = float64(first[i]), float64(a.data[i])
	}
	qq, r := product(q.t(), q), product(q.t(), whole)
	for i := range d {
		for j := range d {
			want := 0.0
			if i == j {
				want = 1
			}
			if math.Abs(qq.data[i*d+j]-want) > tol {
				t.Fatalf("element (%d,%d) of QᵀQ is %v", i, j, qq.data[i*d+j])
			}
			if i > j && math.Abs(r.data[i*d+j]) > tol*float64(d) {
				t.Fatalf("element (%d,%d) of R is %v", i, j, r.data[i*d+j])
			}
		}
	}
}

func TestShampooBlocks(t *testing.T) {
	for _, c := range []struct {
		shape  tensor.Shape
		limit  int
		merge  bool
		dims   []int
		blocks [][]int
	}{
		{tensor.Shape{}, 8, true, []int{1}, [][]int{{1}}},
		{tensor.Shape{4, 1, 3}, 8, true, []int{4, 3}, [][]int{{4, 3}}},
		{tensor.Shape{2, 3, 5}, 8, true, []int{6, 5}, [][]int{{6, 5}}},
		{tensor.Shape{5, 3}, 3, false, []int{5, 3}, [][]int{{3, 3}, {2, 3}}},
		{tensor.Shape{3, 5}, 3, false, []int{3, 5}, [][]int{{3, 3}, {3, 2}}},
	} {
		t.Run(fmt.Sprint(c.shape), func(t *testing.T) {
			p := newShampooPlan(&shampooConfig{MaxDim: c.limit, MergeDims: c.merge}, c.shape)
			if !slices.Equal(p.dims, c.dims) || len(p.blocks) != len(c.blocks) {
				t.Fatalf("%v in %d blocks, want %v in %d", p.dims, len(p.blocks), c.dims, len(c.blocks))
			}
			seen := make([]int, c.shape.Elems())
			for i, b := range p.blocks {
				if !slices.Equal(b.dims, c.blocks[i]) {
					t.Errorf("block %d is %v, want %v", i, b.dims, c.blocks[i])
				}
				b.rows(func(outer, _, n int) {
					for j := range n {
						seen[outer+j]++
					}
				})
			}
			for i, n := range seen {
				if n != 1 {
					t.Errorf("element %d is in %d blocks", i, n)
				}
			}
		})
	}
}
