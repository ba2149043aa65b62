package main

import "fmt"

// pairRows lays pairs of rows of up to 32 elements side by side: those of a panel of B. In SI and DX are the rows, R8 apart.
func (t *text) pairRows() {
	t.pairRowsOf("pairRowsAVX512", "(dst, src []uint16, step, pairs, lanes int)", 2, func() {
		for v := range 2 {
			t.op("VPMOVZXWD.Z %d(SI), K%d, Z%d", 32*v, v+1, v)
			t.op("VPMOVZXWD.Z %d(DX), K%d, Z%d", 32*v, v+1, 2+v)
			t.op("VPSLLD $16, Z%d, Z%[1]d", 2+v)
			t.op("VPORD Z%d, Z%d, Z%[2]d", 2+v, v)
		}
	})
	t.pairRowsOf("narrowPairRowsAVX512", "(dst []uint16, src []float32, step, pairs, lanes int)", 4, func() {
		for v := range 2 {
			t.op("VMOVDQU32.Z %d(SI), K%d, Z%d", 64*v, v+1, 4+v)
			t.op("VMOVDQU32.Z %d(DX), K%d, Z%d", 64*v, v+1, 6+v)
		}
		for v := range 2 {
			t.roundAVX512(4+v, v, 3+v)
			t.roundUpper(6+v, 2+v, 5+v)
			t.op("VPANDD Z12, Z%d, Z%[1]d", 2+v)
			t.op("VPORD Z%d, Z%d, Z%[2]d", 2+v, v)
		}
	})
}

func (t *text) pairRowsOf(name, arguments string, element int, turn func()) {
	t.function(name, 72, arguments)
	if element == 4 {
		t.roundingConstants("AVX512")
		t.constant(0xffff0000, "AVX512", 12)
	}
	t.op("MOVQ dst_base+0(FP), DI")
	t.op("MOVQ src_base+24(FP), SI")
	t.op("MOVQ step+48(FP), R8")
	t.op("SHLQ $%d, R8", element/2)
	t.op("MOVQ lanes+64(FP), CX")
	t.firstBits("CX", "K1", "K2")
	t.op("MOVQ pairs+56(FP), CX")
	t.label("pair")
	t.op("LEAQ (SI)(R8*1), DX")
	turn()
	for v := range 2 {
		t.op("VMOVDQU32 Z%d, %s", v, fmt.Sprintf("%d(DI)", 64*v))
	}
	t.op("LEAQ (SI)(R8*2), SI")
	t.op("ADDQ $128, DI")
	t.op("DECQ CX")
	t.op("JNE pair")
	t.end()
}
