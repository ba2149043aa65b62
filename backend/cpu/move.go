package cpu

import (
	"unsafe"

	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// box is a part of a tensor: its first element and the strides of the dimensions that walk it.
type box struct {
	t       *tensor.Tensor
	first   int
	strides []int
}

// whole is all of a tensor.
func whole(t *tensor.Tensor) box { return box{t, 0, t.Shape.Strides()} }

// bindMove returns a loop that copies dims elements from one box to the other, of one element type, or of float32 and bf16.
// Strides of the source may be 0 or negative.
func bindMove(pool *par.Pool, dims []int, to, from box) func() {
	if to.t.DType != from.t.DType {
		return bindMoveConverted(pool, dims, to, from)
	}
	switch to.t.DType.Size() {
	case 1:
		return bindMoveOf[uint8](pool, dims, to, from)
	case 2:
		return bindMoveOf[uint16](pool, dims, to, from)
	case 4:
		return bindMoveOf[uint32](pool, dims, to, from)
	default:
		return bindMoveOf[uint64](pool, dims, to, from)
	}
}

type bits interface {
	uint8 | uint16 | uint32 | uint64
}

func words[T bits](t *tensor.Tensor) []T {
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(t.Data))), t.Elems())
}

func bindMoveOf[T bits](pool *par.Pool, dims []int, to, from box) func() {
	dst, src := words[T](to.t), words[T](from.t)
	loops := newNest(dims, to.strides, from.strides)
	if loops.total == 0 {
		return func() {}
	}
	if across := unitStride(loops, 1); loops.inner(0) == 1 && loops.inner(1) > 1 && across >= 0 {
		return bindTransposed(pool, dst, src, to.first, from.first, loops, across)
	}
	dstStep, srcStep := loops.inner(0), loops.inner(1)
	run := func(at offsets, n int) {
		d, s := to.first+at[0], from.first+at[1]
		switch {
		case dstStep == 1 && srcStep == 1:
			copyRun(dst[d:d+n], src[s:s+n])
		case dstStep == 1 && srcStep == 0:
			fill(dst[d:d+n], src[s])
		default:
			for range n {
				dst[d] = src[s]
				d += dstStep
				s += srcStep
			}
		}
	}
	body := func(_, lo, hi int) { loops.runs(lo, hi, run) }
	return func() { pool.For(loops.total, chunk, body) }
}

func bindMoveConverted(pool *par.Pool, dims []int, to, from box) func() {
	y, x := vectorOf(to.t), vectorOf(from.t)
	loops := newNest(dims, to.strides, from.strides)
	dstStep, srcStep := loops.inner(0), loops.inner(1)
	run := func(at offsets, n int) {
		d, s := to.first+at[0], from.first+at[1]
		if dstStep == 1 && srcStep == 1 {
			y.convert(d, &x, s, n)
			return
		}
		for range n {
			y.set(d, x.at(s))
			d += dstStep
			s += srcStep
		}
	}
	body := func(_, lo, hi int) { loops.runs(lo, hi, run) }
	return func() { pool.For(loops.total, chunk, body) }
}

// copyRun avoids the call into memmove for the shortest runs.
func copyRun[T bits](dst, src []T) {
	if len(dst) > 8 {
		copy(dst, src)
		return
	}
	src = src[:len(dst)]
	for i := range dst {
		dst[i] = src[i]
	}
}

func fill[T any](dst []T, v T) {
	for i := range dst {
		dst[i] = v
	}
}

// unitStride is the dimension along which operand k is contiguous, -1 for none.
func unitStride(s *nest, k int) int {
	for d := range s.dims {
		if s.strides[k][d] == 1 {
			return d
		}
	}
	return -1
}

// tile is the side of the squares that transpositions read and write at once: 32 rows of 32 float32 are 4 KiB on
// either side, and use whole cache lines of both.
const tile = 32

// bindTransposed copies where the source is contiguous along dimension across and the destination along the last.
func bindTransposed[T bits](pool *par.Pool, dst, src []T, dstFirst, srcFirst int, loops *nest, across int) func() {
	last := len(loops.dims) - 1
	rows, cols := loops.dims[across], loops.dims[last]
	dstStep, srcStep := loops.strides[0][across], loops.strides[1][last]
	outer := loops.without(across, last)
	rowTiles, colTiles := ceilDiv(rows, tile), ceilDiv(cols, tile)
	body := func(_, lo, hi int) {
		c := outer.cursor(lo / (rowTiles * colTiles))
		for i := lo; i < hi; i++ {
			r0, c0 := i/colTiles%rowTiles*tile, i%colTiles*tile
			d := dst[dstFirst+c.at[0]+r0*dstStep+c0:]
			s := src[srcFirst+c.at[1]+c0*srcStep+r0:]
			moveTile(d, s, min(tile, rows-r0), min(tile, cols-c0), dstStep, srcStep)
			if (i+1)%(rowTiles*colTiles) == 0 {
				c.advance(1)
			}
		}
	}
	tiles := outer.total * rowTiles * colTiles
	grain := max(1, chunk/(min(rows, tile)*min(cols, tile)))
	return func() { pool.For(tiles, grain, body) }
}

// moveTile writes dst[r*dstStep+c] = src[c*srcStep+r].
func moveTile[T bits](dst, src []T, rows, cols, dstStep, srcStep int) {
	for r := range rows {
		row := dst[r*dstStep : r*dstStep+cols]
		at := r
		for c := range row {
			row[c] = src[at]
			at += srcStep
		}
	}
}

// without is the nest less two dimensions.
func (s *nest) without(a, b int) *nest {
	var dims []int
	strides := make([][]int, len(s.strides))
	for d, size := range s.dims {
		if d == a || d == b {
			continue
		}
		dims = append(dims, size)
		for k := range strides {
			strides[k] = append(strides[k], s.strides[k][d])
		}
	}
	return newNest(dims, strides...)
}
