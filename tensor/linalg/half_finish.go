package linalg

// finish makes rows [i, i+rows) and columns [j0, j1) of C of their sums, whose rows are row elements apart. spare has room for
// a row.
func (j *halfJob) finish(sums []float32, row int, spare []float32, batch, i, rows, j0, j1 int) {
	g, e, cols := &j.call, &j.call.Epilogue, j1-j0
	c := halfRegion{mat: &g.C, at: g.CBatch.offset(batch) + i*g.C.RowStride + j0*g.C.ColStride, rows: rows, cols: cols}
	if g.Alpha != 1 || g.Beta != 0 && !j.direct || e.RowBias != nil || e.ColBias != nil || e.Relu {
		for r := range rows {
			j.finishRow(sums[r*row:][:cols], spare[:cols], &c, r, i+r, j0)
		}
	}
	if !j.direct {
		c.store(sums, row)
	}
}

func (j *halfJob) finishRow(sums, spare []float32, c *halfRegion, r, i, j0 int) {
	g, e := &j.call, &j.call.Epilogue
	if g.Alpha != 1 {
		Scale(sums, sums, g.Alpha)
	}
	if g.Beta != 0 && !j.direct {
		Axpy(sums, g.Beta, c.load(spare, r))
	}
	if e.RowBias != nil {
		AddScalar(sums, sums, e.RowBias[i])
	}
	if e.ColBias != nil {
		Add(sums, sums, e.ColBias[j0:][:len(sums)])
	}
	if e.Relu {
		Relu(sums, sums)
	}
}

// halfRegion is a rectangle of a matrix whose first element is at.
type halfRegion struct {
	mat        *HalfMat
	at         int
	rows, cols int
}

// load gives row r, in spare if it is not there as float32.
func (c *halfRegion) load(spare []float32, r int) []float32 {
	m, at := c.mat, c.at+r*c.mat.RowStride
	switch {
	case m.F32 != nil && m.ColStride == 1:
		return m.F32[at:][:c.cols]
	case m.BF16 != nil && m.ColStride == 1:
		Widen(spare, m.BF16[at:][:c.cols])
		return spare
	}
	for x := range spare {
		if from := at + x*m.ColStride; m.F32 != nil {
			spare[x] = m.F32[from]
		} else {
			spare[x] = widenOne(m.BF16[from])
		}
	}
	return spare
}

// store writes sums whose rows are row elements apart.
func (c *halfRegion) store(sums []float32, row int) {
	m := c.mat
	if m.BF16 != nil && m.ColStride == 1 {
		narrowRows(m.BF16[c.at:], m.RowStride, sums, row, c.rows, c.cols)
		return
	}
	for r := range c.rows {
		from, at := sums[r*row:][:c.cols], c.at+r*m.RowStride
		switch {
		case m.ColStride == 1:
			copy(m.F32[at:], from)
		case m.F32 != nil:
			for x, v := range from {
				m.F32[at+x*m.ColStride] = v
			}
		default:
			for x, v := range from {
				m.BF16[at+x*m.ColStride] = narrowOne(v)
			}
		}
	}
}
