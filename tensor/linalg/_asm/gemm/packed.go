package main

// unroll is the steps of k in a turn of the loop over packed operands. Additions to pointers take the place of
// multiplications in the two ports that do either; at fixed offsets there is one for every few steps.
const unroll = 2

// packed is the kernel of whole tiles whose operands are both packed; it jumps to general for any other.
func (s isa) packed(t *text) {
	for _, is := range []struct {
		field string
		value int
	}{{"rows", s.mr}, {"cols", s.nr()}, {"aLane", 1}, {"aStep", s.mr}, {"bStep", s.nr()}} {
		t.op("CMPQ micro_%s(DI), $%d", is.field, is.value)
		t.op("JNE general")
	}
	s.fetch(t)
	t.load("micro_a", "SI")
	t.load("micro_b", "DX")
	t.load("micro_k", "CX")
	for i := range 2 * s.mr {
		t.op("VXORPS %[1]s, %[1]s, %[1]s", s.vec(i))
	}
	t.op("SUBQ $%d, CX", unroll)
	t.op("JLT rest")
	t.op("PCALIGN $64")
	t.label("turn")
	s.packedSteps(t, unroll)
	t.op("SUBQ $%d, CX", unroll)
	t.op("JGE turn")
	t.label("rest")
	t.op("ADDQ $%d, CX", unroll)
	t.op("JEQ finish2")
	t.label("single")
	s.packedSteps(t, 1)
	t.op("DECQ CX")
	t.op("JNE single")
	t.op("JMP finish2")
	t.label("general")
}

// fetch asks for the lines of C, which the second cache then has when the sums are there. Not the first one: rows of a wide C
// fall on few of its sets.
func (s isa) fetch(t *text) {
	t.load("micro_c", "AX")
	t.loadStride("micro_cRow", "R8")
	for r := range s.mr {
		for at := 0; at < 2*s.size; at += 64 {
			t.op("PREFETCHT1 %d(AX)", at)
		}
		if r < s.mr-1 {
			t.op("ADDQ R8, AX")
		}
	}
}

// packedSteps does some steps of k and moves SI and DX, which point at strips of A and B, behind them.
func (s isa) packedSteps(t *text, steps int) {
	for u := range steps {
		for v := range 2 {
			t.op("VMOVUPS %d(DX), %s", (2*u+v)*s.size, s.tmp(v))
		}
		for r := range s.mr {
			a := s.tmp(2 + r%2)
			t.op("VBROADCASTSS %d(SI), %s", 4*(u*s.mr+r), a)
			for v := range 2 {
				t.op("VFMADD231PS %s, %s, %s", s.tmp(v), a, s.vec(2*r+v))
			}
		}
	}
	t.op("ADDQ $%d, SI", 4*s.mr*steps)
	t.op("ADDQ $%d, DX", 2*s.size*steps)
}

// nr is the columns of a tile, two vectors.
func (s isa) nr() int { return s.size / 2 }
