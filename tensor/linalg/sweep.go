package linalg

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/internal/cpu"
)

// Sweeper is the kernel of products whose right operand is not packed: each of its rows, and each vector of columns, may
// lie anywhere in memory. Convolutions are such products, of filters and planes.
type Sweeper struct{ kern *kernel }

// NewSweeper takes the best kernel that the instruction set in use now allows.
func NewSweeper() Sweeper { return Sweeper{currentKernel()} }

// Lanes is the number of columns of a vector.
func (k Sweeper) Lanes() int { return k.kern.nr / 2 }

// Strip is how many rows a Sweep of a matrix with the given number of rows should have, as even as can be.
func (k Sweeper) Strip(rows int) int { return evenPart(rows, k.kern.mr, 1) }

// Pack writes steps of lanes rows of A as Sweep reads them, width rows to a step: row i at step j is src[i*lane+j*step].
// Places of rows that are not there become 0.
func (k Sweeper) Pack(dst []float32, width int, src []float32, lane, step, steps, lanes int) {
	if steps > 0 {
		packStrip(k.kern, dst[:width*steps], width, src, lane, step, steps, min(lanes, width))
	}
}

// Transpose sets dst[k*dstStep+l] = src[l*lane+k] for steps k and lanes l.
func (k Sweeper) Transpose(dst []float32, dstStep int, src []float32, lane, steps, lanes int) {
	if steps <= 0 || lanes <= 0 {
		return
	}
	_, _ = dst[(steps-1)*dstStep+lanes-1], src[(lanes-1)*lane+steps-1]
	transpose(k.kern, dst, dstStep, src, lane, steps, lanes)
}

// Sweep is a product C = A*B of a few rows and any number of columns, plus a bias for each row or C's old value. Column j
// of B is lane j%Lanes of vector j/Lanes, and its element at step k is B[Starts[j/Lanes]+Steps[k]+j%Lanes]. Whole
// vectors are read, also of the last columns. Starts has an even number of elements.
type Sweep struct {
	A             []float32 // row i at step k is A[i*ALane+k*AStep]
	ALane, AStep  int
	Rows          int // at most Strip
	B             []float32
	Steps, Starts []int32
	C             []float32
	CRow, Cols    int
	RowBias       []float32 // nil: none
	Add           bool
}

// sweep is a Sweep as assembly reads it: micro has what all tiles have in common, and what the first one has.
type sweep struct {
	micro
	steps, starts []int32
	tiles         int
}

func (s *Sweep) check(k Sweeper) {
	if s.Rows < 1 || s.Rows > k.kern.mr || s.Cols < 1 || len(s.Starts) < 2*parts(s.Cols, k.kern.nr) {
		panic(fmt.Sprintf("linalg: a sweep of %d rows and %d columns with %d starts", s.Rows, s.Cols, len(s.Starts)))
	}
	a, c := (s.Rows-1)*s.ALane+(len(s.Steps)-1)*s.AStep, (s.Rows-1)*s.CRow+s.Cols-1
	if a >= len(s.A) || c >= len(s.C) || s.RowBias != nil && len(s.RowBias) < s.Rows {
		panic(fmt.Sprintf("linalg: a sweep of %d rows, %d steps and %d columns over %d and %d elements", s.Rows, len(s.Steps), s.Cols, len(s.A), len(s.C)))
	}
}

// Run computes the product. It takes time in proportion to the columns, during which its goroutine cannot be pre-empted.
func (k Sweeper) Run(s *Sweep) {
	s.check(k)
	t := sweep{steps: s.Steps, starts: s.Starts}
	t.micro = micro{a: s.A, aLane: s.ALane, aStep: s.AStep, b: s.B, c: s.C, cRow: s.CRow, cCol: 1, k: len(s.Steps), rows: s.Rows,
		alpha: 1, rowBias: s.RowBias}
	if s.Add {
		t.beta = 1
	}
	whole := s.Cols
	if k.kern.level == cpu.AVX2 {
		whole = s.Cols / k.kern.columns * k.kern.columns
	}
	if whole > 0 {
		t.cols = (whole-1)%k.kern.nr + 1
		t.tiles = parts(whole, k.kern.nr)
		multiplySweep(k.kern, &t)
	}
	if whole < s.Cols {
		k.runAside(s, whole)
	}
}

// runAside computes the last columns, less than a vector, in a buffer.
func (k Sweeper) runAside(s *Sweep, from int) {
	var sums [14 * 16]float32
	lanes := k.Lanes()
	starts := [2]int32{s.Starts[from/lanes], s.Starts[from/lanes]}
	t := sweep{steps: s.Steps, starts: starts[:], tiles: 1}
	t.micro = micro{a: s.A, aLane: s.ALane, aStep: s.AStep, b: s.B, c: sums[:], cRow: lanes, cCol: 1, k: len(s.Steps), rows: s.Rows,
		cols: lanes, alpha: 1}
	multiplySweep(k.kern, &t)
	end := micro{c: s.C[from:], cRow: s.CRow, cCol: 1, rows: s.Rows, cols: s.Cols - from, alpha: 1, rowBias: s.RowBias}
	if s.Add {
		end.beta = 1
	}
	end.store(sums[:], lanes)
}

// sweepGeneric is the portable twin of the assembly kernels.
func sweepGeneric(t *sweep) {
	var acc [genericMR * genericNR]float32
	for tile := range t.tiles {
		end := t.micro
		end.c = t.c[tile*genericNR:]
		if tile < t.tiles-1 {
			end.cols = genericNR
		}
		for j := 0; j < end.cols; j += genericNR / 2 {
			t.half(&acc, t.b[t.starts[2*tile+j/2]:], j)
		}
		end.store(acc[:], genericNR)
	}
}

// half sums columns j and j+1 of all rows; a row that is not there repeats the last one.
func (t *sweep) half(acc *[genericMR * genericNR]float32, b []float32, j int) {
	var s00, s01, s10, s11, s20, s21, s30, s31 float32
	last := t.rows - 1
	r1, r2, r3 := min(1, last)*t.aLane, min(2, last)*t.aLane, last*t.aLane
	at := 0
	for _, step := range t.steps {
		x, y := b[step], b[step+1]
		a := t.a[at : at+r3+1]
		s00 += float32(a[0] * x)
		s01 += float32(a[0] * y)
		s10 += float32(a[r1] * x)
		s11 += float32(a[r1] * y)
		s20 += float32(a[r2] * x)
		s21 += float32(a[r2] * y)
		s30 += float32(a[r3] * x)
		s31 += float32(a[r3] * y)
		at += t.aStep
	}
	acc[j], acc[j+1] = s00, s01
	acc[genericNR+j], acc[genericNR+j+1] = s10, s11
	acc[2*genericNR+j], acc[2*genericNR+j+1] = s20, s21
	acc[3*genericNR+j], acc[3*genericNR+j+1] = s30, s31
}
