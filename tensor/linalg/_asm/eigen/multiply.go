package main

import "fmt"

// multiply emits the product of a tile: 8 rows by 3 vectors in one go with AVX-512, and 4 rows by 2 vectors at a time with AVX2.
func (s isa) multiply(t *text) {
	s.function(t, "multiply64", "t *tile64)", 8)
	t.op("MOVQ t+0(FP), DI")
	t.op("MOVQ tile64_aLane(DI), R8")
	t.op("SHLQ $3, R8")
	t.op("LEAQ (R8)(R8*2), R11")
	t.op("MOVQ tile64_aStep(DI), R9")
	t.op("SHLQ $3, R9")
	t.op("MOVQ tile64_bStep(DI), R10")
	t.op("SHLQ $3, R10")
	t.op("MOVQ tile64_cRow(DI), BX")
	t.op("SHLQ $3, BX")
	if s.size == 64 {
		t.op("MOVQ tile64_a(DI), SI")
		t.op("LEAQ (SI)(R8*4), R12")
		t.op("MOVQ tile64_b(DI), DX")
		t.op("MOVQ tile64_c(DI), AX")
		t.op("MOVQ tile64_vectors(DI), CX")
		for vectors := 1; vectors < 3; vectors++ {
			t.op("CMPQ CX, $%d", vectors)
			t.op("JEQ tile%d", vectors)
		}
		for vectors := 3; vectors > 0; vectors-- {
			s.tile(t, fmt.Sprintf("tile%d", vectors), 8, vectors)
			t.ret()
		}
		return
	}
	// R13 counts the groups of 8 columns, R15 is how far they lie from the first.
	t.op("MOVQ tile64_vectors(DI), R13")
	t.op("XORQ R15, R15")
	t.label("columns")
	t.op("MOVQ tile64_a(DI), SI")
	t.op("MOVQ tile64_c(DI), AX")
	t.op("ADDQ R15, AX")
	for half := range 2 {
		t.op("MOVQ tile64_b(DI), DX")
		t.op("ADDQ R15, DX")
		s.tile(t, fmt.Sprintf("half%d", half), 4, 2)
		if half == 0 {
			t.op("MOVQ tile64_a(DI), SI")
			t.op("LEAQ (SI)(R8*4), SI")
		}
	}
	t.op("ADDQ $64, R15")
	t.op("DECQ R13")
	t.op("JNE columns")
	t.ret()
}

// tile emits rows by vectors: SI and, four rows on, R12 point at a, DX at b, AX at c, which is left behind the last row.
func (s isa) tile(t *text, name string, rows, vectors int) {
	t.label(name)
	b := rows * vectors
	a := b + vectors
	s.clear(t, 0, b)
	t.op("MOVQ tile64_k(DI), CX")
	t.op("TESTQ CX, CX")
	t.op("JEQ %sdone", name)
	t.loop(name + "loop")
	for v := range vectors {
		t.op("VMOVUPD %d(DX), %s", v*s.size, s.v(b+v))
	}
	t.op("ADDQ R10, DX")
	for r := range rows {
		x := s.v(a + r%2)
		t.op("VBROADCASTSD (%s)%s, %s", []string{"SI", "R12"}[r/4], []string{"", "(R8*1)", "(R8*2)", "(R11*1)"}[r%4], x)
		for v := range vectors {
			t.op("VFMADD231PD %s, %s, %s", s.v(b+v), x, s.v(r*vectors+v))
		}
	}
	t.op("ADDQ R9, SI")
	if rows > 4 {
		t.op("ADDQ R9, R12")
	}
	t.op("DECQ CX")
	t.op("JNE %sloop", name)
	t.label(name + "done")
	t.op("VBROADCASTSD tile64_alpha(DI), %s", s.v(a))
	for i := range b {
		t.op("VMULPD %s, %s, %s", s.v(a), s.v(i), s.v(i))
	}
	t.op("MOVQ tile64_beta(DI), CX")
	t.op("ADDQ CX, CX") // -0 is 0
	t.op("JEQ %sstore", name)
	t.op("VBROADCASTSD tile64_beta(DI), %s", s.v(a))
	t.op("MOVQ AX, CX")
	for r := range rows {
		for v := range vectors {
			t.op("VFMADD231PD %d(CX), %s, %s", v*s.size, s.v(a), s.v(r*vectors+v))
		}
		t.op("ADDQ BX, CX")
	}
	t.label(name + "store")
	for r := range rows {
		for v := range vectors {
			t.op("VMOVUPD %s, %d(AX)", s.v(r*vectors+v), v*s.size)
		}
		t.op("ADDQ BX, AX")
	}
}
