package linalg

// tile is the rectangle of C that a task computes over [k0, k1).
type tile struct {
	worker, batch  int
	i0, i1, j0, j1 int
	k0, k1         int
	segment        int
}

// strips is an operand of a block, packed or in place: strip s begins at data[s*strip], its lanes are lane elements
// apart and its steps of k step elements.
type strips struct {
	data              []float32
	strip, lane, step int
}

func (j *job) tile(t *tile) {
	pl := &j.plan
	left, right := pl.leftSize(), pl.rightSize()
	private := j.private[t.worker*(left+right):][:left+right]
	for k0 := t.k0; ; k0 += pl.kb {
		k1 := min(k0+pl.kb, t.k1)
		a := j.left(private[:left], t, k0, k1)
		b := j.right(private[left:], t, k0, k1)
		j.block(t, a, b, k0, k1)
		if k1 == t.k1 {
			return
		}
	}
}

// left is a block of A for the tile: shared, in place, or packed into buf.
func (j *job) left(buf []float32, t *tile, k0, k1 int) strips {
	pl, a := &j.plan, &j.call.A
	width := pl.kern.mr
	switch {
	case pl.shared == sharedA:
		return strips{data: j.shared[(k0-j.k0)*pl.tm:], strip: width * (k1 - k0), lane: 1, step: width}
	case k1 > k0 && j.call.PackA == nil && pl.kern.inPlace(a.RowStride, a.ColStride, parts(t.j1-t.j0, pl.kern.nr)):
		return strips{data: a.Data[j.call.ABatch.offset(t.batch)+t.i0*a.RowStride+k0*a.ColStride:],
			strip: width * a.RowStride, lane: a.RowStride, step: a.ColStride}
	}
	buf = buf[:roundUp(t.i1-t.i0, width)*(k1-k0)]
	j.packLeft(buf, t.batch, k0, k1, t.i0, t.i1)
	return strips{data: buf, strip: width * (k1 - k0), lane: 1, step: width}
}

// right is a block of B for the tile: shared, in place, or packed into buf.
func (j *job) right(buf []float32, t *tile, k0, k1 int) strips {
	pl, b := &j.plan, &j.call.B
	width := pl.kern.nr
	switch {
	case pl.shared == sharedB:
		return strips{data: j.shared[(k0-j.k0)*pl.tn:], strip: width * (k1 - k0), lane: 1, step: width}
	case k1 > k0 && j.call.PackB == nil && b.ColStride == 1 && (t.j1-t.j0)%pl.kern.columns == 0 &&
		pl.kern.inPlace(1, b.RowStride, parts(t.i1-t.i0, pl.kern.mr)):
		return strips{data: b.Data[j.call.BBatch.offset(t.batch)+k0*b.RowStride+t.j0:], strip: width, lane: 1, step: b.RowStride}
	}
	buf = buf[:roundUp(t.j1-t.j0, width)*(k1-k0)]
	j.packRight(buf, t.batch, k0, k1, t.j0, t.j1)
	return strips{data: buf, strip: width * (k1 - k0), lane: 1, step: width}
}

// nearFloats is the elements of a block of the shared B that stay in the second cache beside a task's own.
const nearFloats = 160 << 10

// block adds a block of k to the tile, strip by strip. Rows on the outside write C in the order of memory, which is
// worth reading a B that is near once for each strip of A; the strips of a far one are read once each.
func (j *job) block(t *tile, a, b strips, k0, k1 int) {
	pl := &j.plan
	m := j.store(t, k0, k1)
	m.aLane, m.aStep, m.bStep, m.k = a.lane, a.step, b.step, k1-k0
	if pl.shared == sharedB && pl.tn*(k1-k0) > nearFloats {
		for jj := t.j0; jj < t.j1; jj += pl.kern.nr {
			for ii := t.i0; ii < t.i1; ii += pl.kern.mr {
				j.micro(t, m, a, b, ii, jj)
			}
		}
		return
	}
	for ii := t.i0; ii < t.i1; ii += pl.kern.mr {
		for jj := t.j0; jj < t.j1; jj += pl.kern.nr {
			j.micro(t, m, a, b, ii, jj)
		}
	}
}

// store says where the sums of a block go: the first block scales C, the last one applies the epilogue; a segment of k
// leaves both to the reduction.
func (j *job) store(t *tile, k0, k1 int) micro {
	pl, g := &j.plan, &j.call
	if pl.segments > 1 {
		m := micro{c: j.partial[(t.batch*pl.segments+t.segment)*pl.m*pl.n:], cRow: pl.n, cCol: 1, alpha: 1, beta: 1}
		if k0 == t.k0 {
			m.beta = 0
		}
		return m
	}
	m := micro{c: g.C.Data[g.CBatch.offset(t.batch):], cRow: g.C.RowStride, cCol: g.C.ColStride, alpha: g.Alpha, beta: 1}
	if k0 == 0 {
		m.beta = g.Beta
	}
	if k1 == pl.k {
		m.rowBias, m.colBias, m.relu = g.Epilogue.RowBias, g.Epilogue.ColBias, g.Epilogue.Relu
	}
	return m
}

// micro runs the kernel on the register tile at (ii, jj).
func (j *job) micro(t *tile, m micro, a, b strips, ii, jj int) {
	kern := j.plan.kern
	m.rows, m.cols = min(kern.mr, t.i1-ii), min(kern.nr, t.j1-jj)
	m.a = a.data[(ii-t.i0)/kern.mr*a.strip:]
	m.b = b.data[(jj-t.j0)/kern.nr*b.strip:]
	m.c = m.c[ii*m.cRow+jj*m.cCol:]
	if m.rowBias != nil {
		m.rowBias = m.rowBias[ii:]
	}
	if m.colBias != nil {
		m.colBias = m.colBias[jj:]
	}
	multiply(kern, &m)
}
