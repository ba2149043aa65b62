package optimizers

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/onnxtrain/onnxtrain/internal/names"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

// class is a set of d×d matrices closed under sums and products, kept as a slice of entries: the structured matrices
// of arXiv 2312.05705. Π is the projection of a symmetric matrix onto the class that keeps inner products with its
// members, which doubles what stands on one side of the diagonal only.
type class[T number] interface {
	layout() layout
	// gram computes out ← Π(KᵀK).
	gram(a *arena[T], k, out []T)
	// outer computes out ← Π(U·Uᵀ).
	outer(a *arena[T], u mat[T], out []T)
	// times computes out ← K·M for members K and M.
	times(a *arena[T], k, m, out []T)
	// mul computes y ← K·x or y ← Kᵀ·x.
	mul(a *arena[T], k []T, transposed bool, x, y mat[T])
}

// layout says what the entries of a class are in the matrix.
type layout struct {
	size     int
	diagonal []int     // entries on the diagonal
	counts   []float64 // how often an entry stands in the matrix; nil: once
}

func trace[T number](l layout, k []T) float64 {
	sum := 0.0
	for _, i := range l.diagonal {
		sum += l.count(i) * float64(k[i])
	}
	return sum
}

// norm is the Frobenius norm of the whole matrix.
func norm[T number](l layout, k []T) float64 {
	if x, ok := any(k).([]float32); ok && l.counts == nil {
		return math.Sqrt(linalg.SumSquares(x))
	}
	sum := 0.0
	for i, x := range k {
		sum += l.count(i) * float64(x) * float64(x)
	}
	return math.Sqrt(sum)
}

func (l layout) count(i int) float64 {
	if l.counts == nil {
		return 1
	}
	return l.counts[i]
}

// addIdentity adds x·I.
func addIdentity[T number](l layout, k []T, x T) {
	for _, i := range l.diagonal {
		k[i] += x
	}
}

// structure names a class for any size.
type structure struct {
	kind string
	a, b int // block size, or the two dense corners of a hierarchical matrix
}

var structureKinds = []string{"dense", "diagonal", "block30", "triltoeplitz", "triutoeplitz", "hierarchical15_15"}

// parseStructure also reads the names of the official packages, such as block30diagonal. Blocks called symmetric are
// treated so though they are not, as the package singd does.
func parseStructure(name string) (structure, error) {
	switch name {
	case "dense", "diagonal", "triltoeplitz", "triutoeplitz":
		return structure{kind: name}, nil
	case "hierarchical":
		return structure{"hierarchical", 15, 15}, nil
	}
	if rest, ok := strings.CutPrefix(name, "block"); ok {
		kind := "block"
		if plain, ok := strings.CutSuffix(rest, "symmetric"); ok {
			kind, rest = "blocksymmetric", plain
		}
		if n, err := strconv.Atoi(strings.TrimSuffix(rest, "diagonal")); err == nil && n > 0 {
			return structure{kind: kind, a: n}, nil
		}
	}
	if rest, ok := strings.CutPrefix(name, "hierarchical"); ok {
		first, last, _ := strings.Cut(rest, "_")
		a, errA := strconv.Atoi(first)
		b, errB := strconv.Atoi(last)
		if errA == nil && errB == nil && a > 0 && b > 0 {
			return structure{"hierarchical", a, b}, nil
		}
	}
	msg := "is no structure"
	if near := names.Nearest(name, structureKinds); near != "" {
		msg += fmt.Sprintf("; did you mean %q?", near)
	}
	return structure{}, fmt.Errorf("%s (there are: %s; numbers may differ)", msg, strings.Join(structureKinds, " "))
}

// product is how many additions and multiplications it takes to multiply a matrix onto a column.
func (s structure) product(d int) float64 {
	switch s.kind {
	case "diagonal":
		return float64(d)
	case "block", "blocksymmetric":
		return 2 * float64(d) * float64(min(s.a, d))
	}
	return 2 * float64(d) * float64(d)
}

// products is the same for a product of two members of the class.
func (s structure) products(d int) float64 {
	switch s.kind {
	case "diagonal":
		return float64(d)
	case "block", "blocksymmetric":
		return s.product(d) * float64(min(s.a, d))
	}
	return s.product(d) * float64(d)
}

func newClass[T number](s structure, d int) class[T] {
	switch s.kind {
	case "diagonal":
		return diagonalClass[T]{d}
	case "block":
		return newBlocks[T](d, s.a, false)
	case "blocksymmetric":
		return newBlocks[T](d, s.a, true)
	case "triltoeplitz":
		return packedClass[T]{toeplitz[T]{d: d, lower: true}, d}
	case "triutoeplitz":
		return packedClass[T]{toeplitz[T]{d: d}, d}
	case "hierarchical":
		return packedClass[T]{newHierarchy[T](d, s.a, s.b), d}
	}
	return denseClass[T]{d}
}
