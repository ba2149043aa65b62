package conformance

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// tolerance is the ONNX backend test suite's, unless a case brings a data.json.
type tolerance struct {
	Rel float64 `json:"rtol"`
	Abs float64 `json:"atol"`
}

// epsilon is the distance of 1 from the next larger number.
var epsilon = map[tensor.DType]float64{
	tensor.Float64: 0x1p-52, tensor.Float32: 0x1p-23, tensor.Float16: 0x1p-10, tensor.BFloat16Type: 0x1p-7,
}

func sameType(got, want *tensor.Tensor) error {
	if got.DType != want.DType || !got.Shape.Equal(want.Shape) {
		return fmt.Errorf("%v, want %v", got, want)
	}
	return nil
}

// compare compares tensors of the same type. As the suite's own runner does, it allows bfloat16 two units in the last
// place; and any type the rounding of the tensor's largest element: it is what is left, in recorded outputs, of terms of
// that size that cancel.
func (tol tolerance) compare(got, want *tensor.Tensor) error {
	g, w := got.Float64s(), want.Float64s()
	rel, abs := tol.Rel, tol.Abs
	if want.DType == tensor.BFloat16Type {
		rel = max(rel, 2*epsilon[tensor.BFloat16Type])
	}
	largest := 0.0
	for _, x := range w {
		if !math.IsInf(x, 0) && !math.IsNaN(x) {
			largest = max(largest, math.Abs(x))
		}
	}
	abs = max(abs, epsilon[want.DType]*largest)
	for i := range g {
		same := g[i] == w[i] || math.IsNaN(g[i]) && math.IsNaN(w[i])
		near := !math.IsInf(g[i], 0) && math.Abs(g[i]-w[i]) <= abs+rel*math.Abs(w[i]) && !math.IsInf(w[i], 0)
		if !same && !near {
			return fmt.Errorf("element %d is %v, want %v", i, g[i], w[i])
		}
	}
	return nil
}
