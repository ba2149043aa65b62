package main

import "fmt"

// Tiles 0 to 3 are sums of C, row by row, 4 and 5 blocks of A, 6 and 7 of B.
const (
	tileA = 4
	tileB = 6
)

// tiles is HalfTile.Run for AMX. The second configuration, for a last panel that is not whole, follows the first. In R11 is the
// panel of C, in R12 that of B, in R13 the columns left; R8, R9 are the distances of rows of A and of pairs of B, R15 that of
// 16 rows of A, all in bytes; in SI is what to fetch ahead and in R10 the lines left of its row. Tiles do not live longer than
// the function.
func (t *text) tiles() {
	t.masks()
	t.function("halfAMX", 16, "(t *HalfTile, config *[2]tileConfig)")
	t.op("MOVQ t+0(FP), DI")
	t.op("MOVQ config+8(FP), SI")
	t.op("MOVQ HalfTile_ARow(DI), R8")
	t.op("ADDQ R8, R8")
	t.op("MOVQ R8, R15")
	t.op("SHLQ $4, R15")
	t.op("MOVQ HalfTile_BRow(DI), R9")
	t.op("ADDQ R9, R9")
	t.op("MOVQ HalfTile_ahead+halfAhead_lines(DI), R10")
	t.op("MOVQ HalfTile_C(DI), R11")
	t.op("MOVQ HalfTile_B(DI), R12")
	t.op("MOVQ HalfTile_Cols(DI), R13")
	t.op("CMPQ R13, $32")
	t.op("JLT first")
	t.configureTiles("SI", 0)
	t.label("first")
	t.op("MOVQ HalfTile_ahead+halfAhead_from(DI), SI")
	t.label("panel")
	t.op("CMPQ R13, $32")
	t.op("JGE whole")
	t.op("MOVQ config+8(FP), AX")
	t.configureTiles("AX", 64)
	t.label("whole")
	t.op("MOVQ HalfTile_AAt+8(DI), BX")
	t.op("MOVQ HalfTile_AAt(DI), CX")
	t.op("MOVQ HalfTile_BAt(DI), DX")
	t.op("CMPQ R13, $16")
	t.op("JLE narrow")
	t.op("CMPQ HalfTile_Rows(DI), $16")
	t.op("JLE tiles12")
	t.body(2, 2)
	t.body(1, 2)
	t.label("narrow")
	t.op("CMPQ HalfTile_Rows(DI), $16")
	t.op("JLE tiles11")
	t.body(2, 1)
	t.body(1, 1)
	t.label("next")
	t.op("MOVQ HalfTile_BPanel(DI), AX")
	t.op("LEAQ (R12)(AX*2), R12")
	t.op("ADDQ $128, R11")
	t.op("SUBQ $32, R13")
	t.op("JGT panel")
	t.releaseTiles()
	t.op("RET")
}

// body sums rows x cols tiles of C over all blocks.
func (t *text) body(rows, cols int) {
	tag := fmt.Sprintf("%d%d", rows, cols)
	t.label("tiles%s", tag)
	t.op("CMPB HalfTile_Clear(DI), $0")
	t.op("JNE zero%s", tag)
	t.sums(rows, cols, func(tile int, base string, offset int) { t.loadTile(tile, base, offset, "R14") })
	t.op("JMP blocks%s", tag)
	t.label("zero%s", tag)
	for r := range rows {
		for c := range cols {
			t.zeroTile(2*r + c)
		}
	}
	t.label("blocks%s", tag)
	t.op("TESTQ BX, BX")
	t.op("JEQ store%s", tag)
	t.label("block%s", tag)
	t.op("MOVQ (CX), R14")
	t.op("MOVQ HalfTile_A(DI), AX")
	t.op("LEAQ (AX)(R14*2), AX")
	t.op("MOVQ (DX), R14")
	t.op("LEAQ (R12)(R14*2), R14")
	t.loadTile(tileA, "AX", 0, "R8")
	for c := range cols {
		t.loadTile(tileB+c, "R14", 64*c, "R9")
		t.multiplyTiles(c, tileA, tileB+c)
	}
	if rows == 2 {
		t.op("ADDQ R15, AX")
		t.loadTile(tileA+1, "AX", 0, "R8")
		for c := range cols {
			t.multiplyTiles(2+c, tileA+1, tileB+c)
		}
	}
	t.fetch(tag)
	t.op("ADDQ $8, CX")
	t.op("ADDQ $8, DX")
	t.op("DECQ BX")
	t.op("JNE block%s", tag)
	t.label("store%s", tag)
	t.sums(rows, cols, func(tile int, base string, offset int) { t.storeTile(tile, base, offset, "R14") })
	t.op("JMP next")
}

// fetch brings some lines of what comes next near, into the second cache: the first one is full.
func (t *text) fetch(tag string) {
	t.op("MOVQ HalfTile_ahead+halfAhead_each(DI), AX")
	t.op("TESTQ AX, AX")
	t.op("JEQ fetched%s", tag)
	t.label("fetch%s", tag)
	t.op("PREFETCHT1 (SI)")
	t.op("ADDQ $64, SI")
	t.op("DECQ R10")
	t.op("JNE same%s", tag)
	t.op("ADDQ HalfTile_ahead+halfAhead_skip(DI), SI")
	t.op("MOVQ HalfTile_ahead+halfAhead_lines(DI), R10")
	t.label("same%s", tag)
	t.op("DECQ AX")
	t.op("JNE fetch%s", tag)
	t.label("fetched%s", tag)
}

// sums goes over the tiles of C, whose rows are R14 apart; AX is overwritten.
func (t *text) sums(rows, cols int, do func(tile int, base string, offset int)) {
	base := "R11"
	t.op("MOVQ HalfTile_CRow(DI), R14")
	t.op("SHLQ $2, R14")
	for r := range rows {
		if r == 1 {
			base = "AX"
			t.op("MOVQ R14, AX")
			t.op("SHLQ $4, AX")
			t.op("ADDQ R11, AX")
		}
		for c := range cols {
			do(2*r+c, base, 64*c)
		}
	}
}

// masks is a memory in which the 32 bytes that begin 4*n bytes before its middle are set up to n lanes.
func (t *text) masks() {
	t.WriteString("\n")
	for i := range 8 {
		mask := ^uint64(0)
		if i >= 4 {
			mask = 0
		}
		t.WriteString(fmt.Sprintf("DATA halfMasks<>+%d(SB)/8, $%#x\n", 8*i, mask))
	}
	t.WriteString("GLOBL halfMasks<>(SB), RODATA|NOPTR, $64\n")
}
