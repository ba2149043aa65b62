package main

import "fmt"

// weaveAVX512 writes, for every row of every plane, a vector that is put together from elements of up to four.
// SI, R8, R9, R10 point at the sources and DX at the destination; K1 to K4 are their elements, K5 and K6 the elements
// that the first and the second two give, K7 those of the destination.
func weaveAVX512(t *text) {
	t.function("weaveAVX512", "func weaveAVX512(t *weave)")
	for i := range 4 {
		t.op("MOVWLZX weave_have+%d(DI), AX", 2*i)
		t.op("KMOVW AX, K%d", i+1)
	}
	for i, field := range []string{"weave_low", "weave_high", "weave_keep"} {
		t.op("MOVWLZX %s(DI), AX", field)
		t.op("KMOVW AX, K%d", i+5)
	}
	t.op("VMOVDQU32 weave_index(DI), Z4")
	t.op("VMOVDQU32 weave_index+64(DI), Z5")
	t.loadStride("weave_dstRow", "R11")
	t.loadStride("weave_srcRow", "R12")

	t.label("plane")
	for i, reg := range weaveSources {
		t.load(fmt.Sprintf("weave_src+%d", 24*i), reg)
	}
	t.load("weave_dst", "DX")
	t.load("weave_rows", "CX")
	t.load("weave_sources", "AX")
	t.op("CMPQ AX, $2")
	t.op("JGT row4")
	t.op("JEQ row2")
	t.weaveWhole()
	for _, sources := range []int{2, 4} {
		t.label(fmt.Sprintf("row%d", sources))
		for i, reg := range weaveSources[:sources] {
			t.op("VMOVUPS.Z (%s), K%d, Z%d", reg, i+1, i)
			t.op("ADDQ R12, %s", reg)
		}
		t.op("VPERMT2PS.Z Z1, Z4, K5, Z0")
		if sources == 4 {
			t.op("VPERMT2PS.Z Z3, Z5, K6, Z2")
			t.op("VORPS Z2, Z0, Z0")
		}
		t.op("VMOVUPS Z0, K7, (DX)")
		t.op("ADDQ R11, DX")
		t.op("DECQ CX")
		t.op("JNE row%d", sources)
		t.op("JMP next")
	}
	t.label("next")
	t.op("DECQ weave_planes(DI)")
	t.op("JEQ done")
	t.loadStride("weave_srcPlane", "AX")
	for i := range 4 {
		t.op("ADDQ AX, weave_src+%d(DI)", 24*i)
	}
	t.loadStride("weave_dstPlane", "AX")
	t.op("ADDQ AX, weave_dst(DI)")
	t.op("JMP plane")
	t.label("done")
	t.op("VZEROUPPER")
	t.op("RET")
}

// weaveWhole copies rows of whole vectors and a last one that may not be whole.
func (t *text) weaveWhole() {
	t.label("row1")
	t.op("MOVQ SI, R8")
	t.op("MOVQ DX, R9")
	t.load("weave_whole", "R10")
	t.op("TESTQ R10, R10")
	t.op("JEQ last")
	t.label("whole")
	t.op("VMOVUPS (R8), Z0")
	t.op("VMOVUPS Z0, (R9)")
	t.op("ADDQ $64, R8")
	t.op("ADDQ $64, R9")
	t.op("DECQ R10")
	t.op("JNE whole")
	t.label("last")
	t.op("VMOVUPS.Z (R8), K1, Z0")
	t.op("VMOVUPS Z0, K7, (R9)")
	t.op("ADDQ R12, SI")
	t.op("ADDQ R11, DX")
	t.op("DECQ CX")
	t.op("JNE row1")
	t.op("JMP next")
}

var weaveSources = []string{"SI", "R8", "R9", "R10"}
