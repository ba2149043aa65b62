package main

import "fmt"

// isa is what differs between the instruction sets in the body of a micro-kernel. Accumulators are registers 0 up, row by
// row; the four registers after them hold two vectors of B and two elements of A, later temporaries.
type isa struct {
	mr   int    // rows of the tile
	reg  string // register name prefix
	size int    // bytes of a vector
	mask bool   // vectors of B and C are cut by K1, K2

	leave func(t *text, vectors int) // what comes after a finished tile; nil: the end
}

func (s isa) vec(i int) string { return fmt.Sprintf("%s%d", s.reg, i) }

// tmp is temporary i of 4.
func (s isa) tmp(i int) string { return s.vec(2*s.mr + i) }

// rowBases are the registers that point at rows 0, 4, 8, 12 of A.
var rowBases = []string{"SI", "R12", "R13", "BX"}

// row addresses row r of A at the current step.
func row(r int) string {
	return "(" + rowBases[r/4] + ")" + []string{"", "(R8*1)", "(R8*2)", "(R11*1)"}[r%4]
}

// prologue sets SI, R12, R13, BX rows of A, R8 its lane stride, R11 three times that, R9 its step; DX B, R10 its
// step; CX the count of steps.
func (s isa) prologue(t *text) {
	s.leftRows(t)
	t.load("micro_b", "DX")
	t.loadStride("micro_bStep", "R10")
	t.load("micro_k", "CX")
}

// leftRows is the part of prologue that is about A.
func (s isa) leftRows(t *text) {
	t.load("micro_a", "SI")
	t.loadStride("micro_aLane", "R8")
	t.loadStride("micro_aStep", "R9")
	t.op("LEAQ (R8)(R8*2), R11")
	for i := 1; i*4 < s.mr; i++ {
		t.op("LEAQ (%s)(R8*4), %s", rowBases[i-1], rowBases[i])
	}
}

// dispatch jumps to the body for the rows and the vectors of columns asked for.
func (s isa) dispatch(t *text) {
	t.load("micro_rows", "AX")
	t.op("CMPQ micro_cols(DI), $%d", s.size/4)
	t.op("JLE one")
	if s.mask {
		t.op("CMPQ micro_cols(DI), $%d", s.size/2)
		t.op("JEQ whole")
	}
	s.choose(t, "x2")
	t.label("one")
	s.choose(t, "x1")
	if s.mask {
		t.label("whole")
		s.choose(t, "whole")
	}
}

// choose jumps to the body of a kind for AX rows.
func (s isa) choose(t *text, kind string) {
	for r := s.mr; r > 1; r-- {
		t.op("CMPQ AX, $%d", r)
		t.op("JEQ rows%d%s", r, kind)
	}
	t.op("JMP rows1%s", kind)
}

// wholeStep is step for two vectors that are there entirely: masks would take the place of multiplications.
func (s isa) wholeStep(t *text, vectors int) {
	for v := range vectors {
		t.op("VMOVUPS %d(DX), %s", v*s.size, s.tmp(v))
	}
	t.op("ADDQ R10, DX")
}

// step loads a step of B, which lies at a stride.
func (s isa) step(t *text, vectors int) {
	for v := range vectors {
		t.op("VMOVUPS%s %d(DX)%s, %s", s.z(), v*s.size, s.k(v), s.tmp(v))
	}
	t.op("ADDQ R10, DX")
}

// body is the kernel of a kind for one size of tile; step loads a step of B into the first temporaries.
func (s isa) body(t *text, rows, vectors int, kind string, step func(t *text, vectors int)) {
	tag := fmt.Sprintf("%d%s", rows, kind)
	t.label("rows" + tag)
	for i := range rows * vectors {
		t.op("VXORPS %[1]s, %[1]s, %[1]s", s.vec(i))
	}
	t.op("TESTQ CX, CX")
	t.op("JEQ finish%d", vectors)
	t.op("PCALIGN $32")
	t.label("loop" + tag)
	step(t, vectors)
	for r := range rows {
		a := s.tmp(2 + r%2)
		t.op("VBROADCASTSS %s, %s", row(r), a)
		for v := range vectors {
			t.op("VFMADD231PS %s, %s, %s", s.tmp(v), a, s.vec(r*vectors+v))
		}
		if r%4 == 3 || r == rows-1 {
			t.op("ADDQ R9, %s", rowBases[r/4])
		}
	}
	t.op("DECQ CX")
	t.op("JNE loop%s", tag)
	t.op("JMP finish%d", vectors)
}

func (s isa) z() string {
	if s.mask {
		return ".Z"
	}
	return ""
}

// k is the mask operand of vector v of a row.
func (s isa) k(v int) string {
	if s.mask {
		return fmt.Sprintf(", K%d", v+1)
	}
	return ""
}

func (s isa) kernel(t *text) {
	if s.mask {
		t.load("micro_cols", "AX")
		t.firstBits("AX", "K1", "K2")
	}
	s.packed(t)
	s.prologue(t)
	s.dispatch(t)
	s.bodies(t, 2, s.step)
	if s.mask {
		for r := s.mr; r >= 1; r-- {
			s.body(t, r, 2, "whole", s.wholeStep)
		}
	}
	s.finish(t, 2)
	s.bodies(t, 1, s.step)
	s.finish(t, 1)
}

// bodies are those of every number of rows.
func (s isa) bodies(t *text, vectors int, step func(t *text, vectors int)) {
	for r := s.mr; r >= 1; r-- {
		s.body(t, r, vectors, fmt.Sprintf("x%d", vectors), step)
	}
}

func gemmAVX512(t *text) {
	t.function("gemmAVX512", "func gemmAVX512(t *micro)")
	isa{mr: 14, reg: "Z", size: 64, mask: true}.kernel(t)
}

func gemmAVX2(t *text) {
	t.function("gemmAVX2", "func gemmAVX2(t *micro)")
	isa{mr: 6, reg: "Y", size: 32}.kernel(t)
}
