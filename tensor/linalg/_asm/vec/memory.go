package main

import "fmt"

func (b *builder) address(slice string) string {
	p, ok := b.ptrs[slice]
	if !ok {
		panic("no slice " + slice)
	}
	if b.offset == 0 {
		return fmt.Sprintf("(%s)(AX*4)", p)
	}
	return fmt.Sprintf("%d(%s)(AX*4)", b.offset, p)
}

func (b *builder) load(slice string) val {
	switch {
	case !b.tail:
		return b.step(step{op: "VMOVUPS " + b.address(slice)}, false)
	case b.wide():
		return b.step(step{op: "VMOVUPS.Z " + b.address(slice), tail: "K1"}, false)
	}
	return b.step(step{op: "VMASKMOVPS " + b.address(slice), src: []val{b.cut}}, false)
}

func (b *builder) store(slice string, v val) {
	s := step{op: "VMOVUPS", src: []val{b.inReg(v)}, tail: b.address(slice), dst: -1}
	switch {
	case b.tail && b.wide():
		s.tail = "K1, " + s.tail
	case b.tail:
		s.op, s.src = "VMASKMOVPS", append(s.src, b.cut)
	}
	b.steps = append(b.steps, s)
}

// into is bin with a pinned destination, which is the first operand too.
func (b *builder) into(op string, acc, v val) {
	b.steps = append(b.steps, step{op: op, src: []val{v, acc}, dst: acc})
}

// fmaInto adds x*y to acc.
func (b *builder) fmaInto(op string, acc, x, y val) {
	b.steps = append(b.steps, step{op: op, src: []val{y, x}, dst: acc})
}

// halves are the elements of x as float64.
func (b *builder) halves(x val) [2]val {
	widen := func(v val) val {
		return b.step(step{op: "VCVTPS2PD", src: []val{v}, narrow: [2]bool{true, false}}, false)
	}
	low := widen(x)
	op := "VEXTRACTF128"
	if b.wide() {
		op = "VEXTRACTF64X4"
	}
	high := b.step(step{op: op, imm: "$1, ", src: []val{x}, narrow: [2]bool{false, true}}, false)
	return [2]val{low, widen(high)}
}
