package main

import "fmt"

// finish scales the sums, adds C and the biases, clips and stores; a stage that is not asked for is skipped. All row
// counts share it: stages in registers treat every row, those with memory leave at the last row, whose number is in R9.
func (s isa) finish(t *text, vectors int) {
	t.label(fmt.Sprintf("finish%d", vectors))
	t.load("micro_rows", "R9")
	t.loadStride("micro_cRow", "R8")

	t.op("CMPL micro_alpha(DI), $0x3f800000")
	t.op("JEQ beta%d", vectors)
	t.op("VBROADCASTSS micro_alpha(DI), %s", s.tmp(0))
	s.all(vectors, func(_ int, acc string) { t.op("VMULPS %s, %s, %s", s.tmp(0), acc, acc) })

	t.label(fmt.Sprintf("beta%d", vectors))
	t.op("MOVL micro_beta(DI), CX")
	t.op("ADDL CX, CX") // -0 is 0
	t.op("JEQ rowbias%d", vectors)
	t.load("micro_c", "AX")
	t.op("VBROADCASTSS micro_beta(DI), %s", s.tmp(0))
	s.rows(t, vectors, "rowbias", func(r int) {
		for v := range vectors {
			c, acc := s.tmp(2+v), s.vec(r*vectors+v)
			t.op("VMULPS%s %d(AX), %s%s, %s", s.z(), v*s.size, s.tmp(0), s.k(v), c)
			t.op("VADDPS %s, %s, %s", c, acc, acc)
		}
		t.op("ADDQ R8, AX")
	})

	t.label(fmt.Sprintf("rowbias%d", vectors))
	t.load("micro_rowBias", "CX")
	t.op("TESTQ CX, CX")
	t.op("JEQ colbias%d", vectors)
	s.rows(t, vectors, "colbias", func(r int) {
		t.op("VBROADCASTSS %d(CX), %s", 4*r, s.tmp(r%4))
		for v := range vectors {
			acc := s.vec(r*vectors + v)
			t.op("VADDPS %s, %s, %s", s.tmp(r%4), acc, acc)
		}
	})

	t.label(fmt.Sprintf("colbias%d", vectors))
	t.load("micro_colBias", "CX")
	t.op("TESTQ CX, CX")
	t.op("JEQ relu%d", vectors)
	for v := range vectors {
		t.op("VMOVUPS%s %d(CX)%s, %s", s.z(), v*s.size, s.k(v), s.tmp(v))
	}
	s.all(vectors, func(v int, acc string) { t.op("VADDPS %s, %s, %s", s.tmp(v), acc, acc) })

	t.label(fmt.Sprintf("relu%d", vectors))
	t.op("CMPB micro_relu(DI), $0")
	t.op("JEQ store%d", vectors)
	t.op("VXORPS %[1]s, %[1]s, %[1]s", s.tmp(0))
	// VMAXPS gives its second source, here the sum, when one is NaN.
	s.all(vectors, func(_ int, acc string) { t.op("VMAXPS %s, %s, %s", acc, s.tmp(0), acc) })

	t.label(fmt.Sprintf("store%d", vectors))
	t.load("micro_c", "AX")
	s.rows(t, vectors, "end", func(r int) {
		for v := range vectors {
			t.op("VMOVUPS %s%s, %d(AX)", s.vec(r*vectors+v), s.k(v), v*s.size)
		}
		t.op("ADDQ R8, AX")
	})
	t.label(fmt.Sprintf("end%d", vectors))
	if s.leave != nil {
		s.leave(t, vectors)
		return
	}
	t.op("VZEROUPPER")
	t.op("RET")
}

// all emits a step for each accumulator.
func (s isa) all(vectors int, do func(v int, acc string)) {
	for r := range s.mr {
		for v := range vectors {
			do(v, s.vec(r*vectors+v))
		}
	}
}

// rows emits a step for each row, with a way out to the label after the last one.
func (s isa) rows(t *text, vectors int, next string, do func(r int)) {
	for r := range s.mr {
		do(r)
		if r < s.mr-1 {
			t.op("CMPQ R9, $%d", r+1)
			t.op("JEQ %s%d", next, vectors)
		}
	}
}
