package linalg

import (
	"github.com/onnxtrain/onnxtrain/internal/cpu"
	"github.com/onnxtrain/onnxtrain/internal/par"
)

// Peak has every thread of p multiply and add in registers alone, with the instructions that the instruction set in use has for
// float32 or, with half, for bf16, and returns how many operations that were. By its time they are the rate that nothing
// exceeds. rounds sets how long it takes.
func Peak(p *par.Pool, half bool, rounds int) (operations float64) {
	once, each := peakLoop(cpu.Current(), half)
	p.For(p.Threads(), 1, func(_, lo, hi int) {
		for range (hi - lo) * rounds {
			once()
		}
	})
	return each * float64(p.Threads()*rounds)
}

// peakGeneric is the portable micro-kernel, in both precisions, on operands that stay in the first cache.
func peakGeneric() (once func(), operations float64) {
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
