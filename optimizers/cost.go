package optimizers

import (
	"math"
	"slices"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

// elementwise is the cost of an update that takes so many operations an element, and no scratch memory.
func elementwise(ps []registry.ParamInfo, operations float64) registry.Cost {
	return registry.Cost{FLOPs: operations * float64(elements(ps))}
}

func elements(ps []registry.ParamInfo) int {
	n := 0
	for _, p := range ps {
		n += p.Shape.Elems()
	}
	return n
}

// matrixProducts is how many additions and multiplications it takes to multiply a d×d matrix onto every axis of a tensor.
func matrixProducts(dims []int) float64 {
	sum := 0.0
	for _, d := range dims {
		sum += 2 * float64(d)
	}
	return sum * float64(tensor.Shape(dims).Elems())
}

// cubes is the sum of d³ over axes.
func cubes(dims []int) float64 {
	sum := 0.0
	for _, d := range dims {
		sum += math.Pow(float64(d), 3)
	}
	return sum
}

// About how many times d³ operations the decompositions of a d×d matrix take: reduction to tridiagonal form 4/3, divide and
// conquer up to 8/3, and turning the eigenvectors back 2, for QR reflections 4/3 and making Q of them 4/3.
const (
	eigenFLOPs = 6
	qrFLOPs    = 8.0 / 3
)

// spectrumBytes is the scratch memory of a decomposition along the longest axis.
func spectrumBytes(dims []int) int64 {
	d := slices.Max(dims)
	return 8 * int64(2*d*d+d+linalg.EigenSymWork(d))
}
