//go:build !amd64 || noasm

package linalg

func narrow(dst []uint16, src []float32) { narrowGeneric(dst, src) }
func widen(dst []float32, src []uint16)  { widenGeneric(dst, src) }
func pair(dst, even, odd []uint16)       { pairGeneric(dst, even, odd) }

func (t *HalfTile) run() { t.runGeneric() }

func pairRows(dst, src []uint16, step, pairs, lanes int) {
	pairRowsGeneric(dst, src, step, pairs, lanes)
}

func narrowPairRows(dst []uint16, src []float32, step, pairs, lanes int) {
	narrowPairRowsGeneric(dst, src, step, pairs, lanes)
}

func narrowRows(dst []uint16, dstRow int, src []float32, srcRow, rows, cols int) {
	narrowRowsGeneric(dst, dstRow, src, srcRow, rows, cols)
}
