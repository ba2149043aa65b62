package main

import "fmt"

// sweep is the micro-kernel whose rows of B lie at offsets, run along a row of tiles. It shares finish with the product,
// which leaves through s.leave.
func (s isa) sweep(t *text) {
	t.label("tile")
	if s.mask {
		t.op("MOVQ $32, AX")
		t.op("CMPQ sweep_tiles(DI), $1")
		t.op("CMOVQEQ micro_cols(DI), AX")
		t.firstBits("AX", "K1", "K2")
	}
	t.load("micro_b", "AX")
	t.load("sweep_starts", "R12")
	t.op("MOVLQSX (R12), DX")
	t.op("LEAQ (AX)(DX*4), DX")
	t.op("MOVLQSX 4(R12), R14")
	t.op("LEAQ (AX)(R14*4), R14")
	t.load("sweep_steps", "R10")
	s.leftRows(t)
	t.load("micro_k", "CX")
	t.load("micro_rows", "AX")
	t.op("CMPQ sweep_tiles(DI), $1")
	t.op("JNE two")
	t.op("CMPQ micro_cols(DI), $%d", s.size/4)
	t.op("JLE one")
	t.label("two")
	s.choose(t, "x2")
	t.label("one")
	s.choose(t, "x1")
	for vectors := 2; vectors >= 1; vectors-- {
		s.bodies(t, vectors, s.sweepStep)
		s.finish(t, vectors)
	}
}

// sweepStep loads a step of B from its offset. It reads whole vectors: the caller sees to it that they exist.
func (s isa) sweepStep(t *text, vectors int) {
	t.op("MOVLQSX (R10), AX")
	t.op("ADDQ $4, R10")
	for v, base := range []string{"DX", "R14"}[:vectors] {
		t.op("VMOVUPS (%s)(AX*4), %s", base, s.tmp(v))
	}
}

// sweepNext goes on to the next tile, if there is one.
func (s isa) sweepNext(t *text, _ int) {
	t.op("DECQ sweep_tiles(DI)")
	t.op("JEQ done")
	t.op("ADDQ $8, sweep_starts(DI)")
	t.op("ADDQ $%d, micro_c(DI)", 2*s.size)
	t.op("JMP tile")
}

func (s isa) sweepFunction(t *text, name string) {
	t.function(name, fmt.Sprintf("func %s(t *sweep)", name))
	s.leave = s.sweepNext
	s.sweep(t)
	t.label("done")
	t.op("VZEROUPPER")
	t.op("RET")
}
