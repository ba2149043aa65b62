package cpu

import "github.com/onnxtrain/onnxtrain/tensor/linalg"

func init() {
	registerBinary("add", "Add", commutative(linalg.Add, linalg.AddScalar))
	registerBinary("sub", "Sub", binary{linalg.Sub, func(dst, a []float32, b float32) { linalg.AddScalar(dst, a, -b) }, linalg.ScalarSub})
	registerBinary("mul", "Mul", commutative(linalg.Mul, linalg.Scale))
	registerBinary("div", "Div", binary{linalg.Div, linalg.DivScalar, linalg.ScalarDiv})
	registerBinary("max", "Max", commutative(linalg.Maximum, linalg.MaxScalar))
	registerBinary("min", "Min", commutative(linalg.Minimum, linalg.MinScalar))
}

func commutative(vv func(dst, a, b []float32), vs func(dst, a []float32, b float32)) binary {
	return binary{vv, vs, func(dst []float32, a float32, b []float32) { vs(dst, b, a) }}
}
