package linalg

import "github.com/onnxtrain/onnxtrain/internal/cpu"

// PeakLoop returns a loop of microseconds that multiplies and adds in registers alone, with the instructions that the instruction
// set in use now has for float32 or, with half, for bf16, and how many operations it does: a rate that nothing exceeds. Several
// threads may run it at once.
func PeakLoop(half bool) (loop func(), operations float64) { return peakLoop(cpu.Current(), half) }

// peakGeneric is the portable micro-kernel, in both precisions, on operands that stay in the first cache.
func peakGeneric() (loop func(), operations float64) {
	const steps = 256
	var a, b [steps * genericMR]float32
	for i := range a {
		a[i], b[i] = 0.5, 0.5
	}
	return func() {
		var c [genericMR * genericNR]float32
		multiplyGeneric(&micro{a: a[:], b: b[:], c: c[:], cRow: genericNR, cCol: 1, k: steps, rows: genericMR, cols: genericNR, alpha: 1})
	}, 2 * genericMR * genericNR * steps
}
