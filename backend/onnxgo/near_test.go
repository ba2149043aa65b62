package onnxgo

import (
	"fmt"
	"math"

	gorgonia "gorgonia.org/tensor"
)

// errPanic is a panic of a library as an error.
type errPanic struct{ value any }

func (e errPanic) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// near compares tensors as the ONNX backend test cases do.
func near(got, want []gorgonia.Tensor) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d outputs, want %d", len(got), len(want))
	}
	for i := range want {
		g, err := fromGorgonia(got[i])
		if err != nil {
			return fmt.Errorf("output %d: %w", i, err)
		}
		w, err := fromGorgonia(want[i])
		if err != nil {
			return fmt.Errorf("recorded output %d: %w", i, err)
		}
		if g.DType != w.DType || !g.Shape.Equal(w.Shape) {
			return fmt.Errorf("output %d is %v, want %v", i, g, w)
		}
		values := w.Float64s()
		for k, x := range g.Float64s() {
			same := x == values[k] || math.IsNaN(x) && math.IsNaN(values[k])
			if !same && !(math.Abs(x-values[k]) <= 1e-6+1e-3*math.Abs(values[k])) {
				return fmt.Errorf("output %d, element %d is %v, want %v", i, k, x, values[k])
			}
		}
	}
	return nil
}
