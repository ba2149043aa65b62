package main

import "fmt"

// Instructions that Go's assembler does not know, byte by byte. Operands are numbers of registers in Intel's order.

// general are the numbers of the general registers.
var general = map[string]int{"AX": 0, "CX": 1, "DX": 2, "BX": 3, "SI": 6, "DI": 7,
	"R8": 8, "R9": 9, "R10": 10, "R11": 11, "R12": 12, "R13": 13, "R14": 14, "R15": 15}

func (t *text) bytes(comment string, code ...int) {
	t.WriteString("\t")
	for i, b := range code {
		if i > 0 {
			t.WriteString("; ")
		}
		fmt.Fprintf(t, "BYTE $%#02x", b)
	}
	t.WriteString(" // " + comment + "\n")
}

// not is bit n of x, inverted, at place.
func not(x, n, place int) int { return (x>>n&1 ^ 1) << place }

// dotProduct is VDPBF16PS of whole registers: dst += a*b for the two bf16 of each lane.
func (t *text) dotProduct(dst, a, b int) {
	t.bytes(fmt.Sprintf("VDPBF16PS Z%d, Z%d, Z%d", b, a, dst), 0x62,
		not(dst, 3, 7)|not(b, 4, 6)|not(b, 3, 5)|not(dst, 4, 4)|2,
		^a&15<<3|4|2,
		2<<5|not(a, 4, 3),
		0x52, 0xc0|dst&7<<3|b&7)
}

// Prefixes of the instructions on tiles.
const (
	noPrefix = 0
	prefixF3 = 2
	prefixF2 = 3
)

// vex is the VEX prefix of an instruction of the 0F38 map; v is its third operand.
func vex(base, index, v, prefix int) []int {
	return []int{0xc4, 1<<7 | not(index, 3, 6) | not(base, 3, 5) | 2, ^v&15<<3 | prefix}
}

func (t *text) configureTiles(base string, offset int) {
	b := general[base]
	t.bytes(fmt.Sprintf("LDTILECFG %d(%s)", offset, base), append(vex(b, 0, 0, noPrefix), 0x49, 1<<6|b&7, offset)...)
}

func (t *text) releaseTiles() {
	t.bytes("TILERELEASE", append(vex(0, 0, 0, noPrefix), 0x49, 0xc0)...)
}

func (t *text) zeroTile(tile int) {
	t.bytes(fmt.Sprintf("TILEZERO TMM%d", tile), append(vex(0, 0, 0, prefixF2), 0x49, 0xc0|tile<<3)...)
}

// loadTile reads a tile whose rows are a stride apart.
func (t *text) loadTile(tile int, base string, offset int, stride string) {
	t.moveTile(fmt.Sprintf("TILELOADD %d(%s)(%s*1), TMM%d", offset, base, stride, tile), prefixF2, tile, base, offset, stride)
}

func (t *text) storeTile(tile int, base string, offset int, stride string) {
	t.moveTile(fmt.Sprintf("TILESTORED TMM%d, %d(%s)(%s*1)", tile, offset, base, stride), prefixF3, tile, base, offset, stride)
}

func (t *text) moveTile(comment string, prefix, tile int, base string, offset int, stride string) {
	b, x := general[base], general[stride]
	t.bytes(comment, append(vex(b, x, 0, prefix), 0x4b, 1<<6|tile<<3|4, x&7<<3|b&7, offset)...)
}

// multiplyTiles is dst += a*b.
func (t *text) multiplyTiles(dst, a, b int) {
	t.bytes(fmt.Sprintf("TDPBF16PS TMM%d, TMM%d, TMM%d", b, a, dst), append(vex(0, 0, b, prefixF3), 0x5c, 0xc0|dst<<3|a)...)
}
