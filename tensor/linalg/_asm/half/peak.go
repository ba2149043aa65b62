package main

// peaks are loops of multiplications in registers alone, for linalg.PeakLoop. A turn of each has 96 instructions, of AMX 32: their
// number stands in peak_amd64.go too.
func (t *text) peaks() {
	t.peakOf("peakAVX2", "Y", 12, func(sum int) { t.op("VFMADD231PS Y14, Y15, Y%d", sum) })
	t.peakOf("peakAVX512", "Z", 24, func(sum int) { t.op("VFMADD231PS Z30, Z31, Z%d", sum) })
	t.peakOf("peakAVX512BF16", "Z", 24, func(sum int) { t.dotProduct(sum, 30, 31) })
	t.peakTiles()
}

// peakOf has enough sums that none is waited for. The factors, which are the last two registers of the kind, are 0.5 in float32
// and in bf16.
func (t *text) peakOf(name, kind string, sums int, multiply func(sum int)) {
	const instructions = 96
	t.function(name, 8, "(turns int)")
	t.op("MOVQ turns+0(FP), CX")
	t.op("MOVL $0x3f003f00, AX")
	t.op("VMOVD AX, X0")
	last := map[string]int{"Y": 15, "Z": 31}[kind]
	for _, factor := range []int{last - 1, last} {
		t.op("VPBROADCASTD X0, %s%d", kind, factor)
	}
	for i := range sums {
		xor := map[string]string{"Y": "VPXOR", "Z": "VPXORD"}[kind]
		t.op("%s %s%d, %s%d, %s%d", xor, kind, i, kind, i, kind, i)
	}
	t.label("turn")
	for i := range instructions {
		multiply(i % sums)
	}
	t.op("DECQ CX")
	t.op("JNE turn")
	t.end()
}

// peakTiles multiplies two blocks of A by two of B, which are all the same.
func (t *text) peakTiles() {
	const instructions = 32
	t.function("peakAMX", 24, "(config *tileConfig, block *[512]uint16, turns int)")
	t.op("MOVQ config+0(FP), AX")
	t.op("MOVQ block+8(FP), BX")
	t.op("MOVQ turns+16(FP), CX")
	t.op("MOVQ $64, DX")
	t.configureTiles("AX", 0)
	for i := range tileA {
		t.zeroTile(i)
		t.loadTile(tileA+i, "BX", 0, "DX")
	}
	t.label("turn")
	for i := range instructions {
		t.multiplyTiles(i%4, tileA+i%4/2, tileB+i%2)
	}
	t.op("DECQ CX")
	t.op("JNE turn")
	t.releaseTiles()
	t.op("RET")
}
