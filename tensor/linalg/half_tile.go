package linalg

import "fmt"

// The size of a block of HalfTile: rows of C, columns of a panel, and the most steps of k of a block.
const (
	HalfRows  = 32
	HalfCols  = 32
	HalfSteps = 32
)

// HalfTile is the sum of products of bf16 blocks of Steps steps of k, in float32: with block t at a = A[AAt[t]:] and
// b = B[BAt[t]:],
//
//	C[i*CRow+j] += sum over t, p < Steps/2 and h < 2 of a[i*ARow+2*p+h] * b[j/32*BPanel+p*BRow+2*(j%32)+h]
//
// for i < Rows and j < Cols, or = instead of += where Clear is set. So rows of A have their steps side by side, and B has
// pairs of steps side by side, which is what the instructions of AVX512_BF16 and AMX take; B's columns may start anywhere,
// which makes the taps of a convolution of one layout of its planes (with BPanel 64 columns lie one after the other as far as
// a pair of planes goes). Of rows and columns that do not count nothing is read: they need no memory.
//
// Instruction sets differ in the order of the sum and, as the instructions for bf16 have it, in what is subnormal, which
// AVX512_BF16 and AMX take for 0.
type HalfTile struct {
	A, B               []uint16
	AAt, BAt           []int // of each block, in elements
	Steps              int   // 16 or 32
	ARow, BRow, BPanel int   // in elements
	C                  []float32
	CRow               int
	Rows, Cols         int // Rows at most HalfRows, Cols any
	Clear              bool

	ahead halfAhead
}

// halfAhead is memory that will be read next. AMX, which is faster than memory by far, has it fetched while it multiplies.
type halfAhead struct {
	from  uintptr // never followed, so that it keeps nothing alive
	lines int     // of 64 bytes in a row
	skip  int     // bytes from the end of a row to the next one
	each  int     // lines for each block and panel; 0: nothing to fetch
}

// next plans to fetch rows of so many bytes, stride bytes apart, during a run.
func (t *HalfTile) next(from uintptr, rows, bytes, stride int) {
	lines := (int(from%64) + bytes + 63) / 64
	turns := len(t.AAt) * parts(t.Cols, HalfCols)
	t.ahead = halfAhead{from: from, lines: lines, skip: stride - 64*lines, each: parts(rows*lines, max(turns, 1))}
}

// Run computes the tile with the instruction set in use now.
func (t *HalfTile) Run() {
	t.check()
	if t.Rows > 0 && t.Cols > 0 {
		t.run()
	}
}

func (t *HalfTile) check() {
	if t.Rows < 0 || t.Rows > HalfRows || t.Cols < 0 || t.Steps != HalfSteps && t.Steps != HalfSteps/2 || len(t.AAt) != len(t.BAt) ||
		min(t.ARow, t.BRow, t.BPanel, t.CRow) < 0 {
		panic(fmt.Sprintf("linalg: tile of %d rows and %d columns over %d and %d blocks of %d steps, strides %d, %d, %d, %d",
			t.Rows, t.Cols, len(t.AAt), len(t.BAt), t.Steps, t.ARow, t.BRow, t.BPanel, t.CRow))
	}
	if t.Rows == 0 || t.Cols == 0 {
		return
	}
	a := (t.Rows-1)*t.ARow + t.Steps
	b := (t.Steps/2-1)*t.BRow + 2*min(t.Cols, HalfCols)
	if whole := t.Cols / HalfCols; whole > 0 {
		b += (whole - 1) * t.BPanel
		if rest := t.Cols % HalfCols; rest > 0 {
			b = max(b, whole*t.BPanel+(t.Steps/2-1)*t.BRow+2*rest)
		}
	}
	for block, at := range t.AAt {
		if bt := t.BAt[block]; at < 0 || at > len(t.A)-a || bt < 0 || bt > len(t.B)-b {
			panic(fmt.Sprintf("linalg: block %d of a tile needs elements [%d, %d) of %d of A and [%d, %d) of %d of B",
				block, at, at+a, len(t.A), bt, bt+b, len(t.B)))
		}
	}
	if c := (t.Rows-1)*t.CRow + t.Cols; c > len(t.C) {
		panic(fmt.Sprintf("linalg: tile of %d rows, %d apart, and %d columns in %d elements", t.Rows, t.CRow, t.Cols, len(t.C)))
	}
}

func (t *HalfTile) runGeneric() {
	for i := range t.Rows {
		row := t.C[i*t.CRow:][:t.Cols]
		if t.Clear {
			clear(row)
		}
		for block, at := range t.AAt {
			a, b := t.A[at+i*t.ARow:][:t.Steps], t.B[t.BAt[block]:]
			for j0 := 0; j0 < len(row); j0 += HalfCols {
				multiplyPairs(row[j0:min(j0+HalfCols, len(row))], a, b[j0/HalfCols*t.BPanel:], t.BRow)
			}
		}
	}
}

// multiplyPairs adds a row of A times a panel to a row of C. It rounds after each multiplication, so that its bits are the same
// on processors whose compiler would contract.
func multiplyPairs(row []float32, a, b []uint16, bRow int) {
	for p := range len(a) / 2 {
		x, y := widenOne(a[2*p]), widenOne(a[2*p+1])
		pairs := b[p*bRow:][:2*len(row)]
		for j := range row {
			if 2*j+1 < len(pairs) {
				row[j] += float32(x*widenOne(pairs[2*j])) + float32(y*widenOne(pairs[2*j+1]))
			}
		}
	}
}
