package linalg

import "unsafe"

// Offsets of blocks inside of rows of A and of panels of B.
var (
	halfLeftAt  = blockOffsets(1)
	halfRightAt = blockOffsets(HalfCols)
)

func blockOffsets(lanes int) (at [halfBlock / HalfSteps]int) {
	for i := range at {
		at[i] = i * HalfSteps * lanes
	}
	return at
}

// panels is a packed B: step k of panel p begins at data[p*panel+k*HalfCols].
type panels struct {
	data  []uint16
	panel int
}

// tile computes a rectangle of C over a part of k, 32 rows at a time.
func (j *halfJob) tile(t *tile) {
	pl, mine := &j.plan, j.own(t.worker)
	b := j.right(&mine, t)
	for i := t.i0; i < t.i1; i += HalfRows {
		rows := min(HalfRows, t.i1-i)
		c, cRow, add := j.sums(&mine, t, i)
		run := HalfTile{Steps: pl.steps, BRow: 2 * HalfCols, BPanel: b.panel, C: c, CRow: cRow, Rows: rows, Cols: t.j1 - t.j0, Clear: !add}
		for k0 := t.k0; ; k0 += halfBlock {
			k1 := min(k0+halfBlock, t.k1)
			blocks := parts(k1-k0, pl.steps)
			run.A, run.ARow = j.leftRows(&mine, t, i, rows, k0, k1)
			run.B = b.data[(k0-t.k0)*HalfCols:]
			run.AAt, run.BAt = halfLeftAt[:blocks], halfRightAt[:blocks]
			if run.ahead = (halfAhead{}); k1 < t.k1 {
				j.fetchLeft(&run, t, i, rows, k1)
			} else if i+HalfRows < t.i1 {
				j.fetchLeft(&run, t, i+HalfRows, min(HalfRows, t.i1-i-HalfRows), t.k0)
			}
			run.Run()
			run.Clear = false
			if k1 == t.k1 {
				break
			}
		}
		if t.k1 == pl.k && pl.segments == 1 {
			j.finish(c, cRow, mine.sums[HalfRows*pl.sumRow():], t.batch, i, rows, t.j0, t.j1)
		}
	}
}

// sums is where rows of a tile from i on are summed, and whether to add to what is there.
func (j *halfJob) sums(mine *own, t *tile, i int) (c []float32, row int, add bool) {
	pl, g := &j.plan, &j.call
	switch {
	case pl.segments > 1:
		return j.partial[((t.batch*pl.segments+t.segment)*pl.m+i)*pl.n+t.j0:], pl.n, false
	case j.direct:
		return g.C.F32[g.CBatch.offset(t.batch)+i*g.C.RowStride+t.j0:], g.C.RowStride, t.k0 > 0 || g.Beta == 1
	case pl.shared != sharedNone && pl.part < pl.k:
		return j.partial[i*pl.n+t.j0:], pl.n, t.k0 > 0
	}
	return mine.sums, pl.sumRow(), false
}

// leftRows is steps [k0, k1) of rows of A from i on: shared, in place, or packed now.
func (j *halfJob) leftRows(mine *own, t *tile, i, rows, k0, k1 int) (data []uint16, row int) {
	pl, a := &j.plan, &j.call.A
	switch {
	case k0 == k1:
		return nil, 0
	case pl.shared == sharedA:
		return j.shared[(i-j.lane0)*pl.sharedRow()+k0-j.k0:], pl.sharedRow()
	case a.BF16 != nil && a.ColStride == 1 && (k1-k0)%pl.steps == 0 && halfInPlace(a.RowStride):
		return a.BF16[j.call.ABatch.offset(t.batch)+i*a.RowStride+k0:], a.RowStride
	}
	row = pl.padded(k1 - k0)
	from := j.left(t.batch)
	from.rows(mine.left, row, mine.stage, k0, k1, row, i, i+rows)
	return mine.left, row
}

// fetchLeft has the rows of A that leftRows will read from k0 on fetched during a run.
func (j *halfJob) fetchLeft(run *HalfTile, t *tile, i, rows, k0 int) {
	if j.plan.shared == sharedA {
		return
	}
	a, size := &j.call.A, 2
	at := uintptr(unsafe.Pointer(unsafe.SliceData(a.BF16)))
	if a.BF16 == nil {
		at, size = uintptr(unsafe.Pointer(unsafe.SliceData(a.F32))), 4
	}
	at += uintptr(size * (j.call.ABatch.offset(t.batch) + i*a.RowStride + k0*a.ColStride))
	steps := min(halfBlock, t.k1-k0)
	switch {
	case a.ColStride == 1:
		run.next(at, rows, size*steps, size*a.RowStride)
	case a.RowStride == 1:
		run.next(at, steps, size*rows, size*a.ColStride)
	}
}

// halfInPlace says whether rows of A so far apart can be read again and again where they lie: at multiples of 2 kB they compete
// for the same places of the first cache.
func halfInPlace(row int) bool { return row%1024 != 0 }

// right is B for a tile: shared, or packed now.
func (j *halfJob) right(mine *own, t *tile) panels {
	pl := &j.plan
	p := panels{data: j.shared, panel: pl.padded(pl.part) * HalfCols}
	if pl.shared != sharedB {
		p.data = mine.right
		for k0 := t.k0; k0 < t.k1; k0 += halfBlock {
			j.packRight(p.data[(k0-t.k0)*HalfCols:], pl.padded(pl.part), mine.stage, t.batch, k0, min(k0+halfBlock, t.k1), t.j0, t.j1)
		}
	}
	return p
}
