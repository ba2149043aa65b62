package main

import (
	"math"
	"slices"
	"strings"
)

// function is a loop over vectors of slices of one length, that of the first.
type function struct {
	name    string
	slices  []string
	scalars []string           // float32 arguments behind the slices
	record  string             // type of the struct p whose fields the scalars are, "" for arguments of their own
	numbers map[string]float64 // constants that are kept in registers, used like scalars
	unroll  int                // vectors a turn
	half    bool               // some slices have half the length; the first has an even one

	body func(b *builder)

	// A reduction has some accumulators for each vector of a turn, and instead of result maybe float32 results with names,
	// of which each has an accumulator.
	result  string // type
	results []string
	accs    int
	start   float64
	fold    string // instruction that joins accumulators
}

func (f *function) table() string { return "vec" + strings.ToUpper(f.name[:1]) + f.name[1:] }

func (f *function) signature() string {
	args := []string{strings.Join(f.slices, ", ") + " []float32"}
	switch {
	case f.record != "":
		args = append(args, "p "+f.record)
	case len(f.scalars) > 0:
		args = append(args, strings.Join(f.scalars, ", ")+" float32")
	}
	s := "(" + strings.Join(args, ", ") + ")"
	if f.result != "" {
		s += " " + f.result
	}
	if f.results != nil {
		s += " (" + strings.Join(f.results, ", ") + " float32)"
	}
	return s
}

var pointers = []string{"SI", "DX", "BX", "DI", "R8"}

func (f *function) emit(t *text, s *isa, table *constants) {
	b := newBuilder(s, table)
	result := (24*len(f.slices) + 4*len(f.scalars) + 7) &^ 7
	size := 24*len(f.slices) + 4*len(f.scalars)
	switch f.result {
	case "float32":
		size = result + 4
	case "float64":
		size = result + 8
	}
	if f.results != nil {
		size = result + 4*len(f.results)
	}
	t.line("\n// func %s%s", f.name+s.name, f.signature())
	t.line("TEXT ·%s%s(SB), NOSPLIT, $0-%d", f.name, s.name, size)
	f.arguments(t, b)
	accs := f.accumulators(t, b, table)
	t.op("XORQ AX, AX")
	if f.unroll > 1 {
		f.loop(t, b, "turn", "rest", f.unroll, accs)
	}
	f.loop(t, b, "one", "tail", 1, accs)
	t.op("JEQ end")
	b.tail = true
	f.lastLanes(t, b)
	f.vectors(t, b, 1, accs)
	t.label("end")
	switch {
	case f.result != "":
		f.reduce(t, b, accs, "ret", result)
	case f.results != nil:
		for i, name := range f.results {
			f.reduce(t, b, every(accs, i, len(f.results)), name, result+4*i)
		}
	}
	t.op("VZEROUPPER")
	t.op("RET")
}

func (f *function) arguments(t *text, b *builder) {
	b.ptrs = make(map[string]string)
	for i, name := range f.slices {
		t.op("MOVQ %s_base+%d(FP), %s", name, 24*i, pointers[i])
		b.ptrs[name] = pointers[i]
	}
	t.op("MOVQ %s_len+8(FP), CX", f.slices[0])
	for i, name := range f.scalars {
		v := b.pin()
		b.args[name] = v
		if f.record != "" {
			name = "p_" + name
		}
		t.op("VBROADCASTSS %s+%d(FP), %s", name, 24*len(f.slices)+4*i, b.regOf(v))
	}
	for _, name := range sortedKeys(f.numbers) {
		v := b.pin()
		b.args[name] = v
		t.op("VBROADCASTSS %s, %s", b.table.at(math.Float32bits(float32(f.numbers[name]))), b.regOf(v))
	}
}

func (f *function) accumulators(t *text, b *builder, table *constants) []val {
	var accs []val
	for range f.accs * f.unroll {
		v := b.pin()
		accs = append(accs, v)
		if f.start == 0 {
			t.op("VXORPS %[1]s, %[1]s, %[1]s", b.regOf(v))
		} else {
			t.op("VBROADCASTSS %s, %s", table.at(math.Float32bits(float32(f.start))), b.regOf(v))
		}
	}
	return accs
}

// loop handles whole turns; CX is the number of elements left, as at its end.
func (f *function) loop(t *text, b *builder, name, next string, vectors int, accs []val) {
	n := vectors * b.lanes
	t.op("SUBQ $%d, CX", n)
	t.op("JLT %s", next)
	t.op("PCALIGN $32")
	t.label(name)
	f.vectors(t, b, vectors, accs)
	t.op("ADDQ $%d, AX", n)
	t.op("SUBQ $%d, CX", n)
	t.op("JGE %s", name)
	t.label(next)
	t.op("ADDQ $%d, CX", n)
}

func (f *function) vectors(t *text, b *builder, count int, accs []val) {
	for u := range count {
		b.offset = 4 * b.lanes * u
		b.accs = nil
		if f.accs > 0 {
			b.accs = accs[f.accs*u : f.accs*(u+1)]
		}
		f.body(b)
	}
	b.flush(t)
}

// lastLanes makes the mask of the CX lanes that are left.
func (f *function) lastLanes(t *text, b *builder) {
	if b.wide() {
		t.op("MOVQ $-1, R12")
		t.op("BZHIQ CX, R12, R12")
		t.op("KMOVW R12, K1")
		if f.half {
			b.used[maskRegs+7] = true
			t.op("SHRQ $1, CX")
			t.op("MOVQ $-1, R12")
			t.op("BZHIQ CX, R12, R12")
			t.op("KMOVW R12, K7")
		}
		return
	}
	b.table.masks = true
	b.cut = b.pin()
	t.op("LEAQ masks<>+32(SB), R12")
	t.op("NEGQ CX")
	t.op("VMOVUPS (R12)(CX*4), %s", b.regOf(b.cut))
	if f.half {
		b.halfCut = b.pin()
		t.op("VMOVUPS (R12)(CX*2), %s", b.regOf(b.halfCut))
	}
}

// every is each step-th of accs, from first on.
func every(accs []val, first, step int) []val {
	var some []val
	for i := first; i < len(accs); i += step {
		some = append(some, accs[i])
	}
	return some
}

// reduce joins the accumulators pairwise, then halves of the vector, and returns what is left.
func (f *function) reduce(t *text, b *builder, accs []val, name string, result int) {
	for n := len(accs); n > 1; n /= 2 {
		for i := range n / 2 {
			if f.fold == "VMAXPS" {
				maxInto(b, accs[i], accs[i+n/2])
				b.flush(t)
			} else {
				t.op("%s %s, %[3]s, %[3]s", f.fold, b.regOf(accs[i+n/2]), b.regOf(accs[i]))
			}
		}
	}
	reg := b.values[accs[0]].reg
	if f.fold == "VMAXPS" {
		f.anyNaN(t, b, reg, result)
	}
	other := b.take(false)
	half := func(format string, prefix string) {
		t.op(format, reg, other)
		t.op("%s %[2]s%[3]d, %[2]s%[4]d, %[2]s%[4]d", f.fold, prefix, other, reg)
	}
	if b.wide() {
		half("VEXTRACTF64X4 $1, Z%d, Y%d", "Y")
	}
	half("VEXTRACTF128 $1, Y%d, X%d", "X")
	if f.result == "float64" {
		half("VPERMILPD $1, X%d, X%d", "X")
		t.op("VMOVSD X%d, %s+%d(FP)", reg, name, result)
		return
	}
	half("VPERMILPS $0x4e, X%d, X%d", "X")
	half("VPERMILPS $0xb1, X%d, X%d", "X")
	t.op("VMOVSS X%d, %s+%d(FP)", reg, name, result)
	delete(b.used, other)
}

// anyNaN returns NaN when a lane is, as VMAXPS would lose it.
func (f *function) anyNaN(t *text, b *builder, reg, result int) {
	name := b.name(reg)
	if b.wide() {
		t.op("VCMPPS $%d, %s, %s, K2", unordered, name, name)
		t.op("KMOVW K2, R12")
	} else {
		other := b.take(false)
		t.op("VCMPPS $%d, %s, %s, %s", unordered, name, name, b.name(other))
		t.op("VMOVMSKPS %s, R12", b.name(other))
		delete(b.used, other)
	}
	t.op("TESTL R12, R12")
	t.op("JEQ ordered")
	t.op("MOVL $0x7fc00000, ret+%d(FP)", result)
	t.op("VZEROUPPER")
	t.op("RET")
	t.label("ordered")
}

func sortedKeys(m map[string]float64) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
