package cpu

import (
	"math"

	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

// masks are operators on truth values, which fused blocks hold as 1 and 0.
var masks = map[string]func(dst int, in []place) instruction{
	"Equal":          test(equalRun, false),
	"Less":           test(lessRun, false),
	"LessOrEqual":    test(lessOrEqualRun, false),
	"Greater":        test(lessRun, true),
	"GreaterOrEqual": test(lessOrEqualRun, true),
	"And":            test(andRun, false),
	"Or":             test(orRun, false),
	"Xor":            test(xorRun, false),
	"Not": func(dst int, in []place) instruction {
		x := in[0].index
		return func(v [][]float32, _ []float32) { linalg.ScalarSub(v[dst], 1, v[x]) }
	},
	"IsNaN": func(dst int, in []place) instruction {
		x := in[0].index
		return func(v [][]float32, _ []float32) { isNaNRun(v[dst], v[x]) }
	},
	"Where": func(dst int, in []place) instruction {
		cond, yes, no := in[0], in[1], in[2]
		return func(v [][]float32, s []float32) { whereRun(v[dst], cond.run(v, s), yes.run(v, s), no.run(v, s)) }
	},
}

// strided is a run whose elements lie step apart; step 0 repeats one.
type strided struct {
	x    []float32
	step int
}

func (p place) run(v [][]float32, s []float32) strided {
	if p.number {
		return strided{s[p.index:], 0}
	}
	return strided{v[p.index], 1}
}

// test is the instruction of a comparison, of its operands or of these exchanged.
func test(f func(y []float32, a, b strided), exchanged bool) func(dst int, in []place) instruction {
	return func(dst int, in []place) instruction {
		a, b := in[0], in[1]
		if exchanged {
			a, b = b, a
		}
		return func(v [][]float32, s []float32) { f(v[dst], a.run(v, s), b.run(v, s)) }
	}
}

const truth = 0x3f800000 // the bits of 1

// The loops below write bits, for which compilers need no jump.

func equalRun(y []float32, a, b strided) {
	for i := range y {
		var bits uint32
		if a.x[i*a.step] == b.x[i*b.step] {
			bits = truth
		}
		y[i] = math.Float32frombits(bits)
	}
}

func lessRun(y []float32, a, b strided) {
	for i := range y {
		var bits uint32
		if a.x[i*a.step] < b.x[i*b.step] {
			bits = truth
		}
		y[i] = math.Float32frombits(bits)
	}
}

func lessOrEqualRun(y []float32, a, b strided) {
	for i := range y {
		var bits uint32
		if a.x[i*a.step] <= b.x[i*b.step] {
			bits = truth
		}
		y[i] = math.Float32frombits(bits)
	}
}

func andRun(y []float32, a, b strided) { bitRun(y, a, b, func(a, b uint32) uint32 { return a & b }) }
func orRun(y []float32, a, b strided)  { bitRun(y, a, b, func(a, b uint32) uint32 { return a | b }) }
func xorRun(y []float32, a, b strided) { bitRun(y, a, b, func(a, b uint32) uint32 { return a ^ b }) }

func bitRun(y []float32, a, b strided, f func(a, b uint32) uint32) {
	for i := range y {
		y[i] = math.Float32frombits(f(math.Float32bits(a.x[i*a.step]), math.Float32bits(b.x[i*b.step])))
	}
}

func isNaNRun(y, x []float32) {
	for i := range y {
		var bits uint32
		if x[i] != x[i] {
			bits = truth
		}
		y[i] = math.Float32frombits(bits)
	}
}

func whereRun(y []float32, cond, yes, no strided) {
	if cond.step == 0 {
		from := no
		if cond.x[0] != 0 {
			from = yes
		}
		if from.step == 0 {
			fill(y, from.x[0])
		} else {
			copy(y, from.x)
		}
		return
	}
	for i := range y {
		bits, other := math.Float32bits(no.x[i*no.step]), math.Float32bits(yes.x[i*yes.step])
		if cond.x[i] != 0 {
			bits = other
		}
		y[i] = math.Float32frombits(bits)
	}
}
