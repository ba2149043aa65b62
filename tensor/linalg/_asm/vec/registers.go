package main

import (
	"fmt"
	"slices"
	"strings"
)

const maskRegs = 100 // the first number of a mask register, K0

// name is the register's for assembly.
func (b *builder) name(reg int) string {
	if reg >= maskRegs {
		return fmt.Sprintf("K%d", reg-maskRegs)
	}
	return fmt.Sprintf("%s%d", b.reg, reg)
}

// narrow is the name of the lower half of a register.
func (b *builder) narrow(name string, half bool) string {
	switch {
	case !half:
		return name
	case b.wide():
		return "Y" + name[1:]
	}
	return "X" + name[1:]
}

// take finds a free register.
func (b *builder) take(mask bool) int {
	from, to := 0, b.regs
	if mask && b.wide() {
		from, to = maskRegs+2, maskRegs+8 // K0 is no mask, K1 is the tail's
	}
	for r := from; r < to; r++ {
		if !b.used[r] {
			b.used[r] = true
			return r
		}
	}
	panic("out of registers")
}

// pin gives a value its register for good.
func (b *builder) pin() val {
	v := b.value(value{pinned: true})
	b.values[v].reg = b.take(false)
	return v
}

func (b *builder) regOf(v val) string { return b.name(b.values[v].reg) }

// flush writes the steps recorded so far. All values that are not pinned end with them.
func (b *builder) flush(t *text) {
	b.dropUnread()
	for i, s := range b.steps {
		for _, v := range s.src {
			b.values[v].last = i
		}
	}
	for i, s := range b.steps {
		if s.fma {
			b.emitFMA(t, i, s)
		} else {
			b.emitStep(t, i, s)
		}
	}
	b.steps = nil
}

// dropUnread leaves out steps whose results nobody reads.
func (b *builder) dropUnread() {
	read := make(map[val]bool)
	var kept []step
	for _, s := range slices.Backward(b.steps) {
		if s.dst > 0 && !b.values[s.dst].pinned && !read[s.dst] {
			continue
		}
		for _, v := range s.src {
			read[v] = true
		}
		kept = append(kept, s)
	}
	slices.Reverse(kept)
	b.steps = kept
}

// dies says that a register is free after step i.
func (b *builder) dies(v val, i int) bool {
	x := &b.values[v]
	return !x.pinned && x.memory == "" && x.last == i
}

func (b *builder) free(i int, vs ...val) {
	for _, v := range vs {
		if b.dies(v, i) {
			delete(b.used, b.values[v].reg)
		}
	}
}

func (b *builder) assign(v val) string {
	x := &b.values[v]
	if !x.pinned {
		x.reg = b.take(x.mask)
	}
	return b.name(x.reg)
}

// operand is a register, or a constant's memory with the suffix of the instruction that it asks for.
func (b *builder) operand(v val) (suffix, name string) {
	x := &b.values[v]
	switch {
	case x.memory == "":
		return "", b.name(x.reg)
	case b.wide():
		return ".BCST", x.memory
	}
	return "", x.memory
}

func (b *builder) emitStep(t *text, i int, s step) {
	var operands []string
	suffix := ""
	for k, v := range s.src {
		more, name := b.operand(v)
		if s.plain {
			more = ""
		}
		if k > 0 && more != "" {
			panic("constant in the wrong place of " + s.op)
		}
		suffix += more
		operands = append(operands, b.narrow(name, s.narrow[0]))
	}
	b.free(i, s.src...)
	if s.tail != "" {
		operands = append(operands, s.tail)
	}
	if s.dst > 0 {
		operands = append(operands, b.narrow(b.assign(s.dst), s.narrow[1]))
	}
	separator := " "
	if strings.Contains(s.op, " ") {
		separator = ", " // op brings its first operand
	}
	t.op("%s%s%s%s%s", s.op, suffix, separator, s.imm, strings.Join(operands, ", "))
}

// emitFMA takes the form that overwrites an operand that is not needed any more.
func (b *builder) emitFMA(t *text, i int, s step) {
	x, y, z := s.src[0], s.src[1], s.src[2]
	inMemory := func(v val) bool { return b.values[v].memory != "" }
	if !b.dies(x, i) && b.dies(y, i) {
		x, y = y, x
	}
	form := func(digits string, first, second, dst val) {
		suffix, name := b.operand(first)
		reg := b.values[dst].reg
		t.op("%s%sPS%s %s, %s, %s", s.op, digits, suffix, name, b.regOf(second), b.name(reg))
		for _, v := range s.src {
			if v != dst {
				b.free(i, v)
			}
		}
		b.values[s.dst].reg = reg
		b.used[reg] = true
	}
	switch {
	case b.dies(z, i) && z != x && z != y:
		form("231", y, x, z)
	case b.dies(x, i) && x != y && x != z && !inMemory(y):
		form("213", z, y, x)
	case b.dies(x, i) && x != y && x != z && !inMemory(z):
		form("132", y, z, x)
	default:
		sum := b.value(value{})
		b.values[sum].reg = b.take(false)
		if inMemory(z) {
			t.op("VBROADCASTSS %s, %s", b.values[z].memory, b.regOf(sum))
		} else {
			t.op("VMOVAPS %s, %s", b.regOf(z), b.regOf(sum))
		}
		form("231", y, x, sum)
	}
}
