package main

import "fmt"

// row addresses row r of 4 from base, with the stride in R8 and three times that in R11.
func row(base string, r int) string {
	return "(" + base + ")" + []string{"", "(R8*1)", "(R8*2)", "(R11*1)"}[r]
}

// symmetric emits the product with 8 rows: as many at once as registers allow. Registers: sums, elements of x for the
// mirrored columns, then a vector each of x, y, and two of a.
func (s isa) symmetric(t *text) {
	s.function(t, "symmetric64", "a *float64, stride, n int, x, y *float64)", 40)
	t.op("MOVQ a+0(FP), SI")
	t.op("MOVQ stride+8(FP), R8")
	t.op("SHLQ $3, R8")
	t.op("LEAQ (R8)(R8*2), R11")
	rows := 8
	if s.size == 32 {
		rows = 4
	}
	for at := 0; at < 8; at += rows {
		t.op("MOVQ n+16(FP), CX")
		t.op("MOVQ x+24(FP), DX")
		t.op("MOVQ y+32(FP), DI")
		if at > 0 {
			t.op("MOVQ a+0(FP), SI")
			t.op("LEAQ (SI)(R8*4), SI")
		}
		if rows > 4 {
			t.op("LEAQ (SI)(R8*4), R12")
		}
		s.symmetricRows(t, at, rows)
	}
	t.ret()
}

func (s isa) symmetricRows(t *text, at, rows int) {
	x, y, a := 2*rows, 2*rows+1, 2*rows+2
	name := fmt.Sprintf("rows%d", at)
	s.clear(t, 0, rows)
	for r := range rows {
		t.op("VBROADCASTSD %d(DX), %s", 8*(at+r), s.v(rows+r))
	}
	next := func() {
		t.op("ADDQ $%d, SI", s.size)
		if rows > 4 {
			t.op("ADDQ $%d, R12", s.size)
		}
		t.op("ADDQ $%d, DX", s.size)
		t.op("ADDQ $%d, DI", s.size)
	}
	for range 64 / s.size {
		t.op("VMOVUPD (DX), %s", s.v(x))
		for r := range rows {
			t.op("VFMADD231PD %s, %s, %s", row([]string{"SI", "R12"}[r/4], r%4), s.v(x), s.v(r))
		}
		next()
	}
	t.op("SUBQ $8, CX")
	t.op("JEQ %ssum", name)
	t.loop(name + "loop")
	t.op("VMOVUPD (DX), %s", s.v(x))
	t.op("VMOVUPD (DI), %s", s.v(y))
	for r := range rows {
		m := s.v(a + r%2)
		t.op("VMOVUPD %s, %s", row([]string{"SI", "R12"}[r/4], r%4), m)
		t.op("VFMADD231PD %s, %s, %s", m, s.v(x), s.v(r))
		t.op("VFMADD231PD %s, %s, %s", m, s.v(rows+r), s.v(y))
	}
	t.op("VMOVUPD %s, (DI)", s.v(y))
	next()
	t.op("SUBQ $%d, CX", s.lanes())
	t.op("JNE %sloop", name)
	t.label(name + "sum")
	t.op("MOVQ y+32(FP), DI")
	for r := range rows {
		s.sum(t, r, rows)
		t.op("VADDSD %d(DI), X%d, X%d", 8*(at+r), r, r)
		t.op("VMOVSD X%d, %d(DI)", r, 8*(at+r))
	}
}

// fourRows emits the loop over groups of 4 rows that dots and combine share; inner emits the passage over a group, with SI
// at a, DX at the vector of n elements in CX, DI at the 4 scalars.
func (s isa) fourRows(t *text, vector, scalars string, inner func()) {
	t.op("MOVQ a+0(FP), R12")
	t.op("MOVQ stride+8(FP), R8")
	t.op("SHLQ $3, R8")
	t.op("LEAQ (R8)(R8*2), R11")
	t.op("MOVQ rows+16(FP), R9")
	t.op("MOVQ %s, DI", scalars)
	t.label("group")
	t.op("MOVQ R12, SI")
	t.op("LEAQ (R12)(R8*4), R12")
	t.op("MOVQ %s, DX", vector)
	t.op("MOVQ n+24(FP), CX")
	inner()
	t.op("ADDQ $32, DI")
	t.op("SUBQ $4, R9")
	t.op("JNE group")
	t.ret()
}

func (s isa) advance(t *text) {
	t.op("ADDQ $%d, SI", s.size)
	t.op("ADDQ $%d, DX", s.size)
	t.op("SUBQ $%d, CX", s.lanes())
	t.op("JNE loop")
}

func (s isa) dots(t *text) {
	s.function(t, "dots64", "a *float64, stride, rows, n int, x, out *float64)", 48)
	s.fourRows(t, "x+32(FP)", "out+40(FP)", func() {
		s.clear(t, 0, 4)
		t.loop("loop")
		t.op("VMOVUPD (DX), %s", s.v(4))
		for r := range 4 {
			t.op("VFMADD231PD %s, %s, %s", row("SI", r), s.v(4), s.v(r))
		}
		s.advance(t)
		for r := range 4 {
			s.sum(t, r, 4)
			t.op("VMOVSD X%d, %d(DI)", r, 8*r)
		}
	})
}

func (s isa) combine(t *text) {
	s.function(t, "combine64", "a *float64, stride, rows, n int, coef, y *float64)", 48)
	s.fourRows(t, "y+40(FP)", "coef+32(FP)", func() {
		for r := range 4 {
			t.op("VBROADCASTSD %d(DI), %s", 8*r, s.v(r))
		}
		t.loop("loop")
		t.op("VMOVUPD (DX), %s", s.v(4))
		for r := range 4 {
			t.op("VFMADD231PD %s, %s, %s", row("SI", r), s.v(r), s.v(4))
		}
		t.op("VMOVUPD %s, (DX)", s.v(4))
		s.advance(t)
	})
}
