package linalg

// finish makes columns [j0, j1) of row i of C of their sums. spare has as many elements.
func (j *halfJob) finish(sums, spare []float32, batch, i, j0, j1 int) {
	g := &j.call
	c := halfRow{mat: &g.C, at: g.CBatch.offset(batch) + i*g.C.RowStride + j0*g.C.ColStride}
	if g.Alpha != 1 {
		Scale(sums, sums, g.Alpha)
	}
	if g.Beta != 0 && !j.direct {
		Axpy(sums, g.Beta, c.load(spare[:j1-j0]))
	}
	e := &g.Epilogue
	if e.RowBias != nil {
		AddScalar(sums, sums, e.RowBias[i])
	}
	if e.ColBias != nil {
		Add(sums, sums, e.ColBias[j0:j1])
	}
	if e.Relu {
		Relu(sums, sums)
	}
	if !j.direct {
		c.store(sums)
	}
}

// halfRow is part of a row of a matrix, from an element on.
type halfRow struct {
	mat *HalfMat
	at  int
}

// load gives the elements, in spare if they are not there as float32.
func (r halfRow) load(spare []float32) []float32 {
	m, n := r.mat, len(spare)
	switch {
	case m.F32 != nil && m.ColStride == 1:
		return m.F32[r.at:][:n]
	case m.BF16 != nil && m.ColStride == 1:
		Widen(spare, m.BF16[r.at:][:n])
		return spare
	}
	for x := range spare {
		if at := r.at + x*m.ColStride; m.F32 != nil {
			spare[x] = m.F32[at]
		} else {
			spare[x] = widenOne(m.BF16[at])
		}
	}
	return spare
}

func (r halfRow) store(sums []float32) {
	m := r.mat
	switch {
	case m.F32 != nil && m.ColStride == 1:
		copy(m.F32[r.at:], sums)
	case m.BF16 != nil && m.ColStride == 1:
		Narrow(m.BF16[r.at:], sums)
	case m.F32 != nil:
		for x, v := range sums {
			m.F32[r.at+x*m.ColStride] = v
		}
	default:
		for x, v := range sums {
			m.BF16[r.at+x*m.ColStride] = narrowOne(v)
		}
	}
}
