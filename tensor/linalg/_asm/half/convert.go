package main

// constant fills a vector with a number; set is AVX2 or AVX512.
func (t *text) constant(number uint32, set string, reg int) {
	t.op("MOVL $%#x, AX", number)
	if set == "AVX512" {
		t.op("VPBROADCASTD AX, Z%d", reg)
		return
	}
	t.op("VMOVD AX, X%d", reg)
	t.op("VPBROADCASTD X%d, Y%[1]d", reg)
}

// narrow rounds by integer arithmetic: VCVTNEPS2BF16 would make 0 of what is subnormal, and other bits than the other
// instruction sets.
func (t *text) narrow() {
	t.function("narrowAVX512", 48, "(dst []uint16, src []float32)")
	t.roundingConstants("AVX512")
	t.both()
	t.loop(32, func() {
		t.op("VMOVDQU32 (SI), Z0")
		t.op("VMOVDQU32 64(SI), Z1")
		t.roundAVX512(0, 2, 2)
		t.roundAVX512(1, 3, 3)
		t.op("VPMOVDW Z2, (DI)")
		t.op("VPMOVDW Z3, 32(DI)")
	}, 64, 128)
	t.rest(func() {
		t.op("VMOVDQU32.Z (SI), K1, Z0")
		t.roundAVX512(0, 2, 2)
		t.op("VPMOVDW Z2, K1, (DI)")
	}, 32, 64)

	t.function("narrowAVX2", 48, "(dst []uint16, src []float32)")
	t.roundingConstants("AVX2")
	t.both()
	t.loop(16, func() {
		t.op("VMOVDQU (SI), Y0")
		t.op("VMOVDQU 32(SI), Y1")
		t.roundAVX2(0, 2, 4)
		t.roundAVX2(1, 3, 5)
		t.op("VPACKUSDW Y3, Y2, Y2")
		t.op("VPERMQ $0xd8, Y2, Y2")
		t.op("VMOVDQU Y2, (DI)")
	}, 32, 64)
	t.end()
}

// roundingConstants are in registers 13 (the bit that makes NaN quiet), 14 and 15.
func (t *text) roundingConstants(set string) {
	t.constant(0x400000, set, 13)
	t.constant(0x7fff, set, 14)
	t.constant(1, set, 15)
}

// roundAVX512 leaves bf16s in the lower halves of the lanes of dst.
func (t *text) roundAVX512(src, dst, mask int) {
	t.roundUpper(src, dst, mask)
	t.op("VPSRLD $16, Z%d, Z%[1]d", dst)
}

// roundUpper leaves bf16s in the upper halves of the lanes of dst, and anything in the lower ones.
func (t *text) roundUpper(src, dst, mask int) {
	t.op("VCMPPS $3, Z%d, Z%[1]d, K%d", src, mask)
	t.op("VPSRLD $16, Z%d, Z%d", src, dst)
	t.op("VPANDD Z15, Z%d, Z%[1]d", dst)
	t.op("VPADDD Z14, Z%d, Z%[1]d", dst)
	t.op("VPADDD Z%d, Z%d, Z%[2]d", src, dst)
	t.op("VPORD Z13, Z%d, K%d, Z%d", src, mask, dst)
}

// roundAVX2 is roundAVX512 with a temporary instead of a mask.
func (t *text) roundAVX2(src, dst, tmp int) {
	t.op("VPSRLD $16, Y%d, Y%d", src, dst)
	t.op("VPAND Y15, Y%d, Y%[1]d", dst)
	t.op("VPADDD Y14, Y%d, Y%[1]d", dst)
	t.op("VPADDD Y%d, Y%d, Y%[2]d", src, dst)
	t.op("VCMPPS $3, Y%d, Y%[1]d, Y%d", src, tmp)
	t.op("VPOR Y13, Y%d, Y%[1]d", src)
	t.op("VPBLENDVB Y%d, Y%d, Y%d, Y%[3]d", tmp, src, dst)
	t.op("VPSRLD $16, Y%d, Y%[1]d", dst)
}

func (t *text) widen() {
	t.function("widenAVX512", 48, "(dst []float32, src []uint16)")
	t.both()
	t.loop(32, func() {
		for v := range 2 {
			t.op("VPMOVZXWD %d(SI), Z%d", 32*v, v)
			t.op("VPSLLD $16, Z%d, Z%[1]d", v)
			t.op("VMOVDQU32 Z%d, %d(DI)", v, 64*v)
		}
	}, 128, 64)
	t.rest(func() {
		t.op("VPMOVZXWD.Z (SI), K1, Z0")
		t.op("VPSLLD $16, Z0, Z0")
		t.op("VMOVDQU32 Z0, K1, (DI)")
	}, 64, 32)

	t.function("widenAVX2", 48, "(dst []float32, src []uint16)")
	t.both()
	t.loop(16, func() {
		for v := range 2 {
			t.op("VPMOVZXWD %d(SI), Y%d", 16*v, v)
			t.op("VPSLLD $16, Y%d, Y%[1]d", v)
			t.op("VMOVDQU Y%d, %d(DI)", v, 32*v)
		}
	}, 64, 32)
	t.end()
}

// pair has the odd elements in DX.
func (t *text) pair() {
	t.function("pairAVX512", 72, "(dst, even, odd []uint16)")
	t.pairArguments()
	t.loop(32, func() {
		for v := range 2 {
			t.op("VPMOVZXWD %d(SI), Z%d", 32*v, v)
			t.op("VPMOVZXWD %d(DX), Z%d", 32*v, 2+v)
			t.op("VPSLLD $16, Z%d, Z%[1]d", 2+v)
			t.op("VPORD Z%d, Z%d, Z%[1]d", v, 2+v)
			t.op("VMOVDQU32 Z%d, %d(DI)", v, 64*v)
		}
		t.op("ADDQ $64, DX")
	}, 128, 64)
	t.rest(func() {
		t.op("VPMOVZXWD.Z (SI), K1, Z0")
		t.op("VPMOVZXWD.Z (DX), K1, Z1")
		t.op("VPSLLD $16, Z1, Z1")
		t.op("VPORD Z0, Z1, Z0")
		t.op("VMOVDQU32 Z0, K1, (DI)")
		t.op("ADDQ $32, DX")
	}, 64, 32)

	t.function("pairAVX2", 72, "(dst, even, odd []uint16)")
	t.pairArguments()
	t.loop(16, func() {
		t.op("VMOVDQU (SI), Y0")
		t.op("VMOVDQU (DX), Y1")
		t.op("VPUNPCKLWD Y1, Y0, Y2")
		t.op("VPUNPCKHWD Y1, Y0, Y3")
		t.op("VPERM2I128 $0x20, Y3, Y2, Y0")
		t.op("VPERM2I128 $0x31, Y3, Y2, Y1")
		t.op("VMOVDQU Y0, (DI)")
		t.op("VMOVDQU Y1, 32(DI)")
		t.op("ADDQ $32, DX")
	}, 64, 32)
	t.end()
}

// both has the arguments dst and src, whose length counts.
func (t *text) both() {
	t.op("MOVQ dst_base+0(FP), DI")
	t.op("MOVQ src_base+24(FP), SI")
	t.op("MOVQ src_len+32(FP), CX")
}

func (t *text) pairArguments() {
	t.op("MOVQ dst_base+0(FP), DI")
	t.op("MOVQ even_base+24(FP), SI")
	t.op("MOVQ even_len+32(FP), CX")
	t.op("MOVQ odd_base+48(FP), DX")
}

// loop runs body for every count elements of CX that are there.
func (t *text) loop(count int, body func(), dst, src int) {
	t.op("SUBQ $%d, CX", count)
	t.op("JLT rest")
	t.label("loop")
	body()
	t.op("ADDQ $%d, DI", dst)
	t.op("ADDQ $%d, SI", src)
	t.op("SUBQ $%d, CX", count)
	t.op("JGE loop")
	t.label("rest")
	t.op("ADDQ $%d, CX", count)
}

// rest runs body, under the mask K1, for what loop left: at most two vectors of 16.
func (t *text) rest(body func(), dst, src int) {
	t.op("JEQ done")
	t.label("tail")
	t.firstBits("CX", "K1")
	body()
	t.op("ADDQ $%d, DI", dst)
	t.op("ADDQ $%d, SI", src)
	t.op("SUBQ $16, CX")
	t.op("JGT tail")
	t.label("done")
	t.end()
}

// narrowRows is narrow for the first cols elements of rows.
func (t *text) narrowRows() {
	t.function("narrowRowsAVX512", 80, "(dst []uint16, dstRow int, src []float32, srcRow, rows, cols int)")
	t.roundingConstants("AVX512")
	t.op("MOVQ dst_base+0(FP), DI")
	t.op("MOVQ dstRow+24(FP), R8")
	t.op("ADDQ R8, R8")
	t.op("MOVQ src_base+32(FP), SI")
	t.op("MOVQ srcRow+56(FP), R9")
	t.op("SHLQ $2, R9")
	t.op("MOVQ rows+64(FP), R10")
	t.label("row")
	t.op("MOVQ cols+72(FP), CX")
	t.op("XORL DX, DX") // bytes of dst that are done
	t.op("SUBQ $16, CX")
	t.op("JLT rest")
	t.label("whole")
	t.op("VMOVDQU32 (SI)(DX*2), Z0")
	t.roundAVX512(0, 2, 2)
	t.op("VPMOVDW Z2, (DI)(DX*1)")
	t.op("ADDQ $32, DX")
	t.op("SUBQ $16, CX")
	t.op("JGE whole")
	t.label("rest")
	t.op("ADDQ $16, CX")
	t.op("JEQ next")
	t.firstBits("CX", "K1")
	t.op("VMOVDQU32.Z (SI)(DX*2), K1, Z0")
	t.roundAVX512(0, 2, 2)
	t.op("VPMOVDW Z2, K1, (DI)(DX*1)")
	t.label("next")
	t.op("ADDQ R8, DI")
	t.op("ADDQ R9, SI")
	t.op("DECQ R10")
	t.op("JNE row")
	t.end()
}

// rows widens rows of 16 or 32 elements for kernels without bf16; distances are in elements.
func (t *text) rows() {
	for _, set := range []string{"AVX512", "AVX2"} {
		t.function("widenRows"+set, 80, "(dst []float32, dstRow int, src []uint16, srcRow, rows, steps int)")
		t.op("MOVQ dst_base+0(FP), DI")
		t.op("MOVQ dstRow+24(FP), R8")
		t.op("SHLQ $2, R8")
		t.op("MOVQ src_base+32(FP), SI")
		t.op("MOVQ srcRow+56(FP), R9")
		t.op("ADDQ R9, R9")
		t.op("MOVQ rows+64(FP), CX")
		t.op("MOVQ steps+72(FP), DX")
		t.op("ADDQ DX, DX")
		t.label("row")
		t.op("XORL AX, AX")
		t.label("some")
		if set == "AVX512" {
			t.op("VPMOVZXWD (SI)(AX*1), Z0")
			t.op("VPSLLD $16, Z0, Z0")
			t.op("VMOVDQU32 Z0, (DI)(AX*2)")
		} else {
			for v := range 2 {
				t.op("VPMOVZXWD %d(SI)(AX*1), Y%d", 16*v, v)
				t.op("VPSLLD $16, Y%d, Y%[1]d", v)
				t.op("VMOVDQU Y%d, %d(DI)(AX*2)", v, 32*v)
			}
		}
		t.op("ADDQ $32, AX")
		t.op("CMPQ AX, DX")
		t.op("JLT some")
		t.op("ADDQ R8, DI")
		t.op("ADDQ R9, SI")
		t.op("DECQ CX")
		t.op("JNE row")
		t.end()
	}
}
