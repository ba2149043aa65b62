package linalg

// packLeft writes rows [i0, i1) and steps [k0, k1) of A in strips of mr rows.
func (j *job) packLeft(dst []float32, batch, k0, k1, i0, i1 int) {
	if pack := j.call.PackA; pack != nil {
		pack(dst, batch, k0, k1, i0, i1)
		return
	}
	a := &j.call.A
	src := a.Data[j.call.ABatch.offset(batch):]
	packStrips(j.plan.kern, dst, j.plan.kern.mr, src, a.RowStride, a.ColStride, k0, k1, i0, i1)
}

// packRight writes columns [j0, j1) and steps [k0, k1) of B in strips of nr columns.
func (j *job) packRight(dst []float32, batch, k0, k1, j0, j1 int) {
	if pack := j.call.PackB; pack != nil {
		pack(dst, batch, k0, k1, j0, j1)
		return
	}
	b := &j.call.B
	src := b.Data[j.call.BBatch.offset(batch):]
	packStrips(j.plan.kern, dst, j.plan.kern.nr, src, b.ColStride, b.RowStride, k0, k1, j0, j1)
}

// packStrips writes lanes [i0, i1) at steps [k0, k1) in the format of Packer; lane i at step k is src[i*lane+k*step].
func packStrips(kern *kernel, dst []float32, width int, src []float32, lane, step, k0, k1, i0, i1 int) {
	steps, turn := k1-k0, k1-k0
	if lane == 1 && i1-i0 > width {
		turn = packTurn
	}
	for k := 0; k < steps; k += turn {
		some := min(turn, steps-k)
		for i := i0; i < i1; i += width {
			to := dst[(i-i0)*steps+k*width:][:width*some]
			packStrip(kern, to, width, src[i*lane+(k0+k)*step:], lane, step, some, min(width, i1-i))
		}
	}
}

// packTurn is the number of steps that all strips are packed for before the next ones, where lanes touch: a line of memory
// that holds lanes of two strips, and the page it is on, are then still near when the second strip comes to them.
const packTurn = 32

// packStripGeneric packs one strip of which lanes exist.
func packStripGeneric(dst []float32, width int, src []float32, lane, step, steps, lanes int) {
	if lane == 1 {
		for k := range steps {
			row := dst[k*width:][:width]
			clear(row[copy(row, src[k*step:][:lanes]):])
		}
		return
	}
	for l := range width {
		if l >= lanes {
			for at := l; at < len(dst); at += width {
				dst[at] = 0
			}
			continue
		}
		at, from := l, l*lane
		for range steps {
			dst[at] = src[from]
			at += width
			from += step
		}
	}
}

// transposeGeneric writes dst[k*dstStep+l] = src[l*lane+k].
func transposeGeneric(dst []float32, dstStep int, src []float32, lane, steps, lanes int) {
	for l := range lanes {
		at := l
		for _, v := range src[l*lane:][:steps] {
			dst[at] = v
			at += dstStep
		}
	}
}
