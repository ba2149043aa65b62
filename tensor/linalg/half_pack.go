package linalg

import "unsafe"

// halfLanes is an operand as lanes, which are rows of A or columns of B: lane i at step k is element i*lane+k*step.
type halfLanes struct {
	f32        []float32
	bf16       []uint16
	lane, step int
}

func (j *halfJob) left(batch int) halfLanes {
	a := &j.call.A
	return lanesOf(a, j.call.ABatch.offset(batch), a.RowStride, a.ColStride)
}

func lanesOf(m *HalfMat, offset, lane, step int) halfLanes {
	if m.BF16 != nil {
		return halfLanes{bf16: m.BF16[min(offset, len(m.BF16)):], lane: lane, step: step}
	}
	return halfLanes{f32: m.F32[min(offset, len(m.F32)):], lane: lane, step: step}
}

// packRight writes columns [j0, j1), at most a few panels of them, at the at most halfBlock steps [k0, k1) in panels of so
// many steps.
func (j *halfJob) packRight(dst []uint16, steps int, stage []uint16, batch, k0, k1, j0, j1 int) {
	b := &j.call.B
	from := lanesOf(b, j.call.BBatch.offset(batch), b.ColStride, b.RowStride)
	from.panels(dst, steps, stage, k0, k1, j.plan.padded(k1-k0), j0, j1)
}

// panels packs lanes [i0, i1). Where lanes touch, it goes over all panels a few steps at a time, as packStrips does.
func (s *halfLanes) panels(dst []uint16, steps int, stage []uint16, k0, k1, padded, i0, i1 int) {
	turn := padded
	if s.lane == 1 {
		turn = HalfSteps
	}
	for k := 0; k < padded; k += turn {
		for i := i0; i < i1; i += HalfCols {
			to := dst[(i-i0)*steps+k*HalfCols:]
			s.pairs(to, stage, k0+k, min(k0+k+turn, k1), min(turn, padded-k), i, min(i+HalfCols, i1))
		}
	}
}

// rows writes steps [k0, k1) of at most 32 lanes one lane after the other, row apart, and 0 up to padded steps.
func (s *halfLanes) rows(dst []uint16, row int, stage []uint16, k0, k1, padded, i0, i1 int) {
	steps := k1 - k0
	if s.lane == 1 && s.step != 1 && row%2 == 0 {
		s.pairs(stage, nil, k0, k1, padded, i0, i1)
		transpose(currentKernel(), words(dst), row/2, words(stage), HalfCols, i1-i0, padded/2)
		return
	}
	if s.step == 1 && s.f32 != nil && steps > 0 {
		narrowRows(dst, row, s.f32[i0*s.lane+k0:], s.lane, i1-i0, steps)
	}
	for i := i0; i < i1; i++ {
		to := dst[(i-i0)*row:][:padded]
		at := i*s.lane + k0*s.step
		switch {
		case steps == 0:
		case s.step == 1 && s.bf16 != nil:
			copy(to[:steps], s.bf16[at:])
		case s.step == 1: // narrowed
		case s.bf16 != nil:
			for k := range steps {
				to[k] = s.bf16[at+k*s.step]
			}
		default:
			for k := range steps {
				to[k] = narrowOne(s.f32[at+k*s.step])
			}
		}
		clear(to[steps:])
	}
}

// pairs writes steps [k0, k1) of at most 32 lanes as the panel that HalfTile wants, and 0 up to padded steps.
func (s *halfLanes) pairs(dst, stage []uint16, k0, k1, padded, i0, i1 int) {
	const row = 2 * HalfCols
	steps, lanes := k1-k0, i1-i0
	if s.lane != 1 {
		s.rows(stage, padded, nil, k0, k1, padded, i0, i1)
		transpose(currentKernel(), words(dst), HalfCols, words(stage), padded/2, padded/2, lanes)
		return
	}
	at := i0 + k0*s.step
	if whole := steps / 2; whole > 0 {
		if s.bf16 != nil {
			pairRows(dst, s.bf16[at:], s.step, whole, lanes)
		} else {
			narrowPairRows(dst, s.f32[at:], s.step, whole, lanes)
		}
	}
	if steps%2 != 0 {
		var zero [HalfCols]uint16
		last := s.some(at+(steps-1)*s.step, lanes)
		Pair(dst[steps/2*row:], last[:lanes], zero[:lanes])
	}
	clear(dst[(steps+1)/2*row : padded/2*row])
}

// some is a few elements from at on.
func (s *halfLanes) some(at, n int) (x [HalfCols]uint16) {
	if s.bf16 != nil {
		copy(x[:n], s.bf16[at:])
	} else {
		Narrow(x[:], s.f32[at:][:n])
	}
	return x
}

func pairRowsGeneric(dst, src []uint16, step, pairs, lanes int) {
	for p := range pairs {
		Pair(dst[p*2*HalfCols:], src[2*p*step:][:lanes], src[(2*p+1)*step:][:lanes])
	}
}

func narrowPairRowsGeneric(dst []uint16, src []float32, step, pairs, lanes int) {
	var even, odd [HalfCols]uint16
	for p := range pairs {
		Narrow(even[:], src[2*p*step:][:lanes])
		Narrow(odd[:], src[(2*p+1)*step:][:lanes])
		Pair(dst[p*2*HalfCols:], even[:lanes], odd[:lanes])
	}
}

// words views pairs of bf16 as the 32-bit elements that a transposition moves.
func words(x []uint16) []float32 {
	if len(x) < 2 {
		return nil
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(x))), len(x)/2)
}
