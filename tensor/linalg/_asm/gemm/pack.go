package main

// packer sets rows of the source as in a micro-kernel (SI, R12, R13, BX at rows 0, 4, 8, 12; R8 apart, R11 three
// times that), DX the destination with the stride R9, CX the steps left, AX the lanes there are.
func (t *text) packer(rows int) {
	t.load("strip_lanes", "AX")
	t.load("strip_src", "SI")
	t.loadStride("strip_lane", "R8")
	t.load("strip_dst", "DX")
	t.loadStride("strip_width", "R9")
	t.load("strip_steps", "CX")
	t.op("LEAQ (R8)(R8*2), R11")
	for i := 1; i*4 < rows; i++ {
		t.op("LEAQ (%s)(R8*4), %s", rowBases[i-1], rowBases[i])
	}
}

// loadRows loads a vector of each row there is, to register r.
func (t *text) loadRows(rows int, load func(r int)) {
	for r := range rows {
		load(r)
		if r < rows-1 {
			t.op("CMPQ AX, $%d", r+1)
			t.op("JEQ loaded")
		}
	}
	t.label("loaded")
	for i := 0; i*4 < rows; i++ {
		t.op("ADDQ $%d, %s", rows*4, rowBases[i])
	}
}

// unpack does the part of a transposition inside 128-bit lanes, for groups of four rows: register 4g+c of prefix
// then has, in lane L, column 4L+c of rows 4g to 4g+3. The upper half of the registers is overwritten.
func (t *text) unpack(prefix string, rows int) {
	two := func(name string, x, y, z int) { t.op("%s %s%d, %s%d, %s%d", name, prefix, y, prefix, x, prefix, z) }
	for r := 0; r < rows; r += 2 {
		two("VUNPCKLPS", r, r+1, rows+r)
		two("VUNPCKHPS", r, r+1, rows+r+1)
	}
	for g := 0; g < rows; g += 4 {
		for h := range 2 {
			two("VUNPCKLPD", rows+g+h, rows+g+2+h, g+2*h)
			two("VUNPCKHPD", rows+g+h, rows+g+2+h, g+2*h+1)
		}
	}
}

func packAVX512(t *text) {
	t.function("transposeAVX512", "func transposeAVX512(t *strip)")
	t.load("strip_lanes", "AX")
	t.firstBits("AX", "K3", "K2")
	t.load("strip_room", "AX")
	t.firstBits("AX", "K4", "K2")
	t.op("KXNORW K1, K1, K1")
	t.packer(16)
	t.label("loop")
	t.op("CMPQ CX, $16")
	t.op("JGE whole")
	t.op("MOVQ $-1, R10")
	t.op("BZHIQ CX, R10, R10")
	t.op("KMOVW R10, K1")
	t.label("whole")
	t.loadRows(16, func(r int) { t.op("VMOVUPS.Z %s, K1, Z%d", row(r), r) })
	t.unpack("Z", 16)
	for c := range 4 {
		for h := range 2 {
			t.op("VSHUFF32X4 $0x88, Z%d, Z%d, Z%d", 8*h+4+c, 8*h+c, 16+4*c+h)
			t.op("VSHUFF32X4 $0xdd, Z%d, Z%d, Z%d", 8*h+4+c, 8*h+c, 16+4*c+2+h)
		}
	}
	for c := range 4 {
		for h := range 2 {
			lo := 16 + 4*c + 2*h
			t.op("VSHUFF32X4.Z $0x88, Z%d, Z%d, K3, Z%d", lo+1, lo, 4*h+c)
			t.op("VSHUFF32X4.Z $0xdd, Z%d, Z%d, K3, Z%d", lo+1, lo, 4*(h+2)+c)
		}
	}
	for k := range 16 {
		t.op("VMOVUPS Z%d, K4, (DX)", k)
		if k < 15 {
			t.op("ADDQ R9, DX")
			t.op("CMPQ CX, $%d", k+1)
			t.op("JEQ end")
		}
	}
	t.op("ADDQ R9, DX")
	t.op("SUBQ $16, CX")
	t.op("JNE loop")
	t.label("end")
	t.op("VZEROUPPER")
	t.op("RET")

	t.function("copyAVX512", "func copyAVX512(t *strip)")
	t.load("strip_lanes", "AX")
	t.firstBits("AX", "K1", "K2")
	t.load("strip_width", "AX")
	t.firstBits("AX", "K3", "K4")
	t.load("strip_src", "SI")
	t.loadStride("strip_step", "R8")
	t.load("strip_dst", "DX")
	t.loadStride("strip_width", "R9")
	t.load("strip_steps", "CX")
	for _, vectors := range []int{1, 2} {
		if vectors == 1 {
			t.op("CMPQ R9, $64")
			t.op("JGT loop2")
		}
		t.label([]string{"", "loop1", "loop2"}[vectors])
		for v := range vectors {
			t.op("VMOVUPS.Z %d(SI), K%d, Z%d", 64*v, v+1, v)
		}
		for v := range vectors {
			t.op("VMOVUPS Z%d, K%d, %d(DX)", v, v+3, 64*v)
		}
		t.op("ADDQ R8, SI")
		t.op("ADDQ R9, DX")
		t.op("DECQ CX")
		t.op("JNE loop%d", vectors)
		t.op("VZEROUPPER")
		t.op("RET")
	}
}

func packAVX2(t *text) {
	t.function("transposeAVX2", "func transposeAVX2(t *strip)")
	t.packer(8)
	t.label("loop")
	for r := range 8 {
		t.op("VXORPS Y%[1]d, Y%[1]d, Y%[1]d", r)
	}
	t.loadRows(8, func(r int) { t.op("VMOVUPS %s, Y%d", row(r), r) })
	t.unpack("Y", 8)
	for c := range 4 {
		t.op("VPERM2F128 $0x20, Y%d, Y%d, Y%d", 4+c, c, 8+c)
		t.op("VPERM2F128 $0x31, Y%d, Y%d, Y%d", 4+c, c, 12+c)
	}
	t.op("CMPQ R9, $24")
	t.op("JEQ six")
	for k := range 8 {
		t.op("VMOVUPS Y%d, (DX)", 8+k)
		t.op("ADDQ R9, DX")
	}
	t.op("SUBQ $8, CX")
	t.op("JNE loop")
	t.op("VZEROUPPER")
	t.op("RET")
	t.label("six")
	for k := range 8 {
		t.op("VMOVUPS X%d, %d(DX)", 8+k, 24*k)
		t.op("VEXTRACTF128 $1, Y%d, X%d", 8+k, k)
		t.op("VMOVLPS X%d, %d(DX)", k, 24*k+16)
	}
	t.op("ADDQ $%d, DX", 8*24)
	t.op("SUBQ $8, CX")
	t.op("JNE loop")
	t.op("VZEROUPPER")
	t.op("RET")
}
