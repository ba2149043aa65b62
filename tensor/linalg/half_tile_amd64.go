//go:build amd64 && !noasm

package linalg

import "github.com/onnxtrain/onnxtrain/internal/cpu"

func (t *HalfTile) run() {
	switch level := cpu.Current(); level {
	case cpu.Generic:
		t.runGeneric()
	case cpu.AVX2:
		t.runWide(level, 6, 16)
	case cpu.AVX512:
		t.runWide(level, 11, HalfCols)
	case cpu.AVX512BF16:
		t.runDots()
	default:
		t.runTiles()
	}
}

// halfMicro is some rows and columns of one panel over all blocks. Assembly reads it as it does micro.
type halfMicro struct {
	a    []uint16
	aAt  []int
	wide []float32 // instead of a and aAt: float32s, block after block
	b    []uint16
	bAt  []int
	aRow int // of a or wide
	bRow int

	pairs      int // of steps of a block
	c          []float32
	cRow       int
	rows, cols int
	clear      bool
}

// halfAVX512BF16 computes up to 11 rows and 32 columns from a.
//
//go:noescape
func halfAVX512BF16(t *halfMicro)

// halfAVX512 computes as many from wide.
//
//go:noescape
func halfAVX512(t *halfMicro)

// halfAVX2 computes up to 6 rows and 16, or up to 8, columns from wide.
//
//go:noescape
func halfAVX2(t *halfMicro)

// runDots reads A where it lies.
func (t *HalfTile) runDots() {
	m := halfMicro{aAt: t.AAt, bAt: t.BAt, aRow: t.ARow, bRow: t.BRow, pairs: t.Steps / 2, cRow: t.CRow, clear: t.Clear}
	for j := 0; j < t.Cols; j += HalfCols {
		m.b, m.cols = t.B[min(j/HalfCols*t.BPanel, len(t.B)):], min(HalfCols, t.Cols-j)
		for i := 0; i < t.Rows; i += m.rows {
			m.rows = evenRows(t.Rows-i, 11)
			m.a, m.c = t.A[min(i*t.ARow, len(t.A)):], t.C[i*t.CRow+j:]
			halfAVX512BF16(&m)
		}
	}
}

// evenRows is how many rows of those left a kernel of at most limit takes, so that none is left with few.
func evenRows(left, limit int) int { return parts(left, parts(left, limit)) }

// wideSteps is the steps of A that are widened at once. They stay in the first cache while all panels go by.
const wideSteps = 128

//go:noescape
func widenRowsAVX512(dst []float32, dstRow int, src []uint16, srcRow, rows, steps int)

//go:noescape
func widenRowsAVX2(dst []float32, dstRow int, src []uint16, srcRow, rows, steps int)

// runWide is for instruction sets without bf16: A becomes float32, B does in registers.
func (t *HalfTile) runWide(level cpu.Level, mr, nr int) {
	var wide [HalfRows * wideSteps]float32
	m := halfMicro{aRow: wideSteps, bRow: t.BRow, pairs: t.Steps / 2, cRow: t.CRow, clear: t.Clear}
	most := wideSteps / t.Steps
	for block := 0; block == 0 || block < len(t.AAt); block += most {
		some := min(most, len(t.AAt)-block)
		for s, at := range t.AAt[block:][:some] {
			if level == cpu.AVX2 {
				widenRowsAVX2(wide[s*t.Steps:], wideSteps, t.A[at:], t.ARow, t.Rows, t.Steps)
			} else {
				widenRowsAVX512(wide[s*t.Steps:], wideSteps, t.A[at:], t.ARow, t.Rows, t.Steps)
			}
		}
		m.bAt = t.BAt[block:][:some]
		for j := 0; j < t.Cols; j += m.cols {
			m.cols = min(nr, t.Cols-j)
			if level == cpu.AVX2 && m.cols < nr {
				m.cols = min(m.cols, 8)
			}
			m.b = t.B[min(j/HalfCols*t.BPanel+j%HalfCols*2, len(t.B)):]
			for i := 0; i < t.Rows; i += m.rows {
				m.rows = evenRows(t.Rows-i, mr)
				m.wide, m.c = wide[i*wideSteps:], t.C[i*t.CRow+j:]
				if level == cpu.AVX2 {
					halfAVX2(&m)
				} else {
					halfAVX512(&m)
				}
			}
		}
		m.clear = false
	}
}

// tileConfig is the operand of LDTILECFG.
type tileConfig struct {
	palette  byte
	_        [15]byte
	rowBytes [16]uint16
	rows     [16]byte
}

// halfAMX computes everything; the second configuration is that of a last panel of fewer columns.
//
//go:noescape
func halfAMX(t *HalfTile, config *[2]tileConfig)

func (t *HalfTile) runTiles() {
	var config [2]tileConfig
	config[0].shape(t.Rows, HalfCols, t.Steps)
	if rest := t.Cols % HalfCols; rest > 0 {
		config[1].shape(t.Rows, rest, t.Steps)
	}
	halfAMX(t, &config)
}

// shape gives the tiles the sizes of what there is, so that no memory beyond is read or written: 0 to 3 are sums, 4 and 5
// blocks of A, 6 and 7 of B.
func (c *tileConfig) shape(rows, cols, steps int) {
	const side = 16 // rows, and lanes of 4 bytes, of a tile
	c.palette = 1
	for r := range 2 {
		for s := range 2 {
			c.tile(2*r+s, min(rows-side*r, side), min(cols-side*s, side))
		}
		c.tile(4+r, min(rows-side*r, side), steps/2)
		c.tile(6+r, steps/2, min(cols-side*r, side))
	}
}

// tile leaves one without rows or lanes as it is, which is unused.
func (c *tileConfig) tile(tile, rows, lanes int) {
	if rows > 0 && lanes > 0 {
		c.rows[tile], c.rowBytes[tile] = byte(rows), uint16(4*lanes)
	}
}
