package main

// one is where the constant 1 lies.
const one = "one64<>(SB)"

func constants(t *text) {
	t.line("\nDATA one64<>(SB)/8, $1.0")
	t.line("GLOBL one64<>(SB), RODATA|NOPTR, $8")
}

func (s isa) poles(t *text) {
	s.function(t, "poles64", "d, z *float64, n int, origin, tau float64) (sum, slope, curve float64)", 64)
	t.op("MOVQ d+0(FP), SI")
	t.op("MOVQ z+8(FP), DX")
	t.op("MOVQ n+16(FP), CX")
	t.op("VBROADCASTSD origin+24(FP), %s", s.v(3))
	t.op("VBROADCASTSD tau+32(FP), %s", s.v(4))
	t.op("VBROADCASTSD %s, %s", one, s.v(5))
	s.clear(t, 0, 3)
	t.loop("loop")
	t.op("VMOVUPD (SI), %s", s.v(6))
	t.op("VSUBPD %s, %s, %s", s.v(3), s.v(6), s.v(6))
	t.op("VSUBPD %s, %s, %s", s.v(4), s.v(6), s.v(6))
	t.op("VDIVPD %s, %s, %s", s.v(6), s.v(5), s.v(6))
	t.op("VMOVUPD (DX), %s", s.v(7))
	t.op("VMULPD %s, %s, %s", s.v(6), s.v(7), s.v(8))
	t.op("VFMADD231PD %s, %s, %s", s.v(7), s.v(8), s.v(0))
	t.op("VMULPD %s, %s, %s", s.v(8), s.v(8), s.v(8))
	t.op("VADDPD %s, %s, %s", s.v(8), s.v(1), s.v(1))
	t.op("VFMADD231PD %s, %s, %s", s.v(6), s.v(8), s.v(2))
	s.advance(t)
	for i, name := range []string{"sum+40(FP)", "slope+48(FP)", "curve+56(FP)"} {
		s.sum(t, i, 6)
		t.op("VMOVSD X%d, %s", i, name)
	}
	t.ret()
}

func (s isa) loewner(t *text) {
	s.function(t, "loewner64", "w, delta, d *float64, n int, pole float64)", 40)
	t.op("MOVQ w+0(FP), DI")
	t.op("MOVQ delta+8(FP), SI")
	t.op("MOVQ d+16(FP), DX")
	t.op("MOVQ n+24(FP), CX")
	t.op("VBROADCASTSD pole+32(FP), %s", s.v(0))
	t.loop("loop")
	t.op("VMOVUPD (DX), %s", s.v(1))
	t.op("VSUBPD %s, %s, %s", s.v(0), s.v(1), s.v(1))
	t.op("VMOVUPD (SI), %s", s.v(2))
	t.op("VDIVPD %s, %s, %s", s.v(1), s.v(2), s.v(2))
	t.op("VMULPD (DI), %s, %s", s.v(2), s.v(2))
	t.op("VMOVUPD %s, (DI)", s.v(2))
	t.op("ADDQ $%d, DI", s.size)
	s.advance(t)
	t.ret()
}

func (s isa) quotients(t *text) {
	s.function(t, "quotients64", "t, z *float64, n int) float64", 32)
	t.op("MOVQ t+0(FP), SI")
	t.op("MOVQ z+8(FP), DX")
	t.op("MOVQ n+16(FP), CX")
	s.clear(t, 0, 1)
	t.loop("loop")
	t.op("VMOVUPD (DX), %s", s.v(1))
	t.op("VDIVPD (SI), %s, %s", s.v(1), s.v(1))
	t.op("VMOVUPD %s, (SI)", s.v(1))
	t.op("VFMADD231PD %[1]s, %[1]s, %[2]s", s.v(1), s.v(0))
	s.advance(t)
	s.sum(t, 0, 1)
	t.op("VMOVSD X0, ret+24(FP)")
	t.ret()
}

// rotate emits a passage down the rows for each vector of columns: the lower row of a rotation stays in a register for the next.
func (s isa) rotate(t *text) {
	s.function(t, "rotate64", "q *float64, stride, cols int, cs *float64, count int)", 40)
	t.op("MOVQ q+0(FP), DX")
	t.op("MOVQ stride+8(FP), R8")
	t.op("SHLQ $3, R8")
	t.op("MOVQ cols+16(FP), CX")
	t.label("column")
	t.op("MOVQ DX, SI")
	t.op("MOVQ cs+24(FP), DI")
	t.op("MOVQ count+32(FP), R9")
	t.op("VMOVUPD (SI), %s", s.v(0))
	t.loop("loop")
	t.op("VBROADCASTSD (DI), %s", s.v(1))
	t.op("VBROADCASTSD 8(DI), %s", s.v(2))
	t.op("VMOVUPD (SI)(R8*1), %s", s.v(3))
	t.op("VMULPD %s, %s, %s", s.v(2), s.v(3), s.v(4))
	t.op("VMULPD %s, %s, %s", s.v(1), s.v(3), s.v(3))
	t.op("VFMADD231PD %s, %s, %s", s.v(1), s.v(0), s.v(4))
	t.op("VFNMADD231PD %s, %s, %s", s.v(2), s.v(0), s.v(3))
	t.op("VMOVUPD %s, (SI)", s.v(4))
	t.op("VMOVAPD %s, %s", s.v(3), s.v(0))
	t.op("ADDQ R8, SI")
	t.op("ADDQ $16, DI")
	t.op("DECQ R9")
	t.op("JNE loop")
	t.op("VMOVUPD %s, (SI)", s.v(0))
	t.op("ADDQ $%d, DX", s.size)
	t.op("SUBQ $%d, CX", s.lanes())
	t.op("JNE column")
	t.ret()
}
