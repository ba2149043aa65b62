//go:build !amd64 || noasm

package linalg

func packStrip(_ *kernel, dst []float32, width int, src []float32, lane, step, steps, lanes int) {
	packStripGeneric(dst, width, src, lane, step, steps, lanes)
}

func transpose(_ *kernel, dst []float32, dstStep int, src []float32, lane, steps, lanes int) {
	transposeGeneric(dst, dstStep, src, lane, steps, lanes)
}
