package cpu

import "github.com/onnxtrain/onnxtrain/tensor/linalg"

// Vector functions by the names that loops over rows use; V is a vector, S a number.

func addVV(dst, a, b []float32)                   { linalg.Add(dst, a, b) }
func mulVV(dst, a, b []float32)                   { linalg.Mul(dst, a, b) }
func maxVV(dst, a, b []float32)                   { linalg.Maximum(dst, a, b) }
func addVS(dst, a []float32, b float32)           { linalg.AddScalar(dst, a, b) }
func mulVS(dst, a []float32, b float32)           { linalg.Scale(dst, a, b) }
func divSV(dst []float32, a float32, b []float32) { linalg.ScalarDiv(dst, a, b) }

func sum(x []float32) float32    { return linalg.Sum(x) }
func dot(x, y []float32) float32 { return linalg.Dot(x, y) }
func maxOf(x []float32) float32  { return linalg.Max(x) }

func relu(dst, x []float32)    { linalg.Relu(dst, x) }
func tanh(dst, x []float32)    { linalg.Tanh(dst, x) }
func sigmoid(dst, x []float32) { linalg.Sigmoid(dst, x) }
