// Package ops says what each operator means: one file an operator, with types, gradient, a float64 reference and the
// samples that every implementation is tested on.
package ops

//go:generate go test . -run TestGradientTable -update
