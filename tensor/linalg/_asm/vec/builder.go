package main

import (
	"fmt"
	"math"
)

// val names a vector that a body works with: in a register, or a constant in memory.
type val int

type value struct {
	memory string // of a constant
	mask   bool
	pinned bool // lives for the whole function
	reg    int
	last   int // the step that reads it last
}

// step is an instruction whose registers are not chosen yet. Operands are in Go's order, the reverse of Intel's; only
// the first may be a constant.
type step struct {
	op, tail string // the instruction is op, operands, tail
	imm      string
	src      []val
	dst      val     // 0: chosen, -1: none
	plain    bool    // a constant is read as it is, not broadcast
	narrow   [2]bool // the source or the destination is the lower half of its register
	fma      bool    // src are a, b, c of a*b+c, and any form of op will do
}

// builder records a body and then allocates registers in one pass, as there are no jumps in it.
type builder struct {
	*isa
	table   *constants
	values  []value
	steps   []step
	used    map[int]bool // registers taken; those of masks count from 100
	tail    bool         // the last, partial vector
	cut     val          // the mask of its lanes, for AVX2
	halfCut val          // the mask of half as many
	offset  int          // of the vector in bytes
	accs    []val        // of the vector
	args    map[string]val
	ptrs    map[string]string
}

func newBuilder(s *isa, table *constants) *builder {
	return &builder{isa: s, table: table, values: make([]value, 1), used: make(map[int]bool), args: make(map[string]val)}
}

func (b *builder) value(v value) val {
	v.reg = -1
	b.values = append(b.values, v)
	return val(len(b.values) - 1)
}

func (b *builder) num(f float64) val { return b.bits(math.Float32bits(float32(f))) }
func (b *builder) bits(u uint32) val { return b.value(value{memory: b.table.at(u)}) }

// arg is a scalar or number of the function, in a register.
func (b *builder) arg(name string) val {
	v, ok := b.args[name]
	if !ok {
		panic("no argument " + name)
	}
	return v
}

// inReg loads a constant.
func (b *builder) inReg(v val) val {
	if b.values[v].memory == "" {
		return v
	}
	return b.step(step{op: "VBROADCASTSS", src: []val{v}, plain: true}, false)
}

func (b *builder) step(s step, mask bool) val {
	for i := range s.src {
		if i > 0 && !s.fma {
			s.src[i] = b.inReg(s.src[i])
		}
	}
	if s.dst == 0 {
		s.dst = b.value(value{mask: mask})
	}
	b.steps = append(b.steps, s)
	return s.dst
}

// bin is op of x and y, of which y may be a constant, and is what VMINPS and VMAXPS return beside a NaN.
func (b *builder) bin(op string, x, y val) val { return b.step(step{op: op, src: []val{y, x}}, false) }

func (b *builder) add(x, y val) val { return b.bin("VADDPS", x, y) }
func (b *builder) sub(x, y val) val { return b.bin("VSUBPS", x, y) }
func (b *builder) mul(x, y val) val { return b.bin("VMULPS", x, y) }
func (b *builder) div(x, y val) val { return b.bin("VDIVPS", x, y) }
func (b *builder) and(x, y val) val { return b.bin("VANDPS", x, y) }
func (b *builder) or(x, y val) val  { return b.bin("VORPS", x, y) }

// max and min return y where either is NaN.
func (b *builder) max(x, y val) val { return b.bin("VMAXPS", x, y) }
func (b *builder) min(x, y val) val { return b.bin("VMINPS", x, y) }

func (b *builder) sqrt(x val) val { return b.step(step{op: "VSQRTPS", src: []val{x}}, false) }
func (b *builder) imm(op string, n int, src ...val) val {
	return b.step(step{op: op, imm: fmt.Sprintf("$%d, ", n), src: src}, false)
}

// fma is x*y + z, fnma z - x*y, fms x*y - z.
func (b *builder) fma(x, y, z val) val  { return b.fused("VFMADD", x, y, z) }
func (b *builder) fnma(x, y, z val) val { return b.fused("VFNMADD", x, y, z) }
func (b *builder) fms(x, y, z val) val  { return b.fused("VFMSUB", x, y, z) }

func (b *builder) fused(op string, x, y, z val) val {
	if b.values[x].memory != "" {
		x, y = y, x
	}
	x = b.inReg(x)
	return b.step(step{op: op, src: []val{x, y, z}, fma: true}, false)
}

// poly is Horner's rule for coefficients from the highest on.
func (b *builder) poly(x val, coefficients ...float64) val {
	p := b.num(coefficients[0])
	for _, c := range coefficients[1:] {
		p = b.fma(x, p, b.num(c))
	}
	return p
}

// Predicates of VCMPPS; with a NaN unordered, unequal and notLess hold.
const (
	equal     = 0
	unordered = 3
	unequal   = 4
	less      = 17
	notAbove  = 18
	notLess   = 21
	notBelow  = 29
	greater   = 30
)

func (b *builder) cmp(predicate int, x, y val) val {
	return b.step(step{op: "VCMPPS", imm: fmt.Sprintf("$%d, ", predicate), src: []val{y, x}}, true)
}

// choose is x where the mask is set, y elsewhere.
func (b *builder) choose(mask, x, y val) val {
	if b.wide() {
		return b.step(step{op: "VBLENDMPS", src: []val{b.inReg(x), y, mask}}, false)
	}
	return b.step(step{op: "VBLENDVPS", src: []val{mask, x, y}}, false)
}

// keep is x where the mask is set, 0 elsewhere.
func (b *builder) keep(mask, x val) val {
	if b.wide() {
		return b.step(step{op: "VMOVAPS.Z", src: []val{b.inReg(x), mask}}, false)
	}
	return b.and(mask, x)
}

// whole is x with 0 in the lanes behind the end.
func (b *builder) whole(x val) val {
	switch {
	case !b.tail:
		return x
	case b.wide():
		return b.step(step{op: "VMOVAPS.Z", src: []val{x}, tail: "K1"}, false)
	}
	return b.and(b.cut, x)
}

// wholeOr is x with y in the lanes behind the end.
func (b *builder) wholeOr(x, y val) val {
	switch {
	case !b.tail:
		return x
	case b.wide():
		return b.step(step{op: "VBLENDMPS", src: []val{x, y}, tail: "K1"}, false)
	}
	return b.step(step{op: "VBLENDVPS", src: []val{b.cut, x, y}}, false)
}
