package optimizers

import (
	"math"

	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

// trustPass measures the squares of the norms of weights and gradients.
func trustPass[T number, H any](_ *H, c chunk[T, T]) {
	c.sums[0] += squares(c.w)
	c.sums[1] += squares(c.g)
}

// squares adds up in float64.
func squares[T number](x []T) float64 {
	if single, ok := any(x).([]float32); ok {
		return linalg.SumSquares(single)
	}
	sum := 0.0
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return sum
}

// trustRatio is norm/against for layer-wise step sizes. A weight or a direction of zeros takes the plain step.
func trustRatio(norm, against float64) float64 {
	if norm == 0 || against == 0 || math.IsInf(against, 0) {
		return 1
	}
	return norm / against
}
