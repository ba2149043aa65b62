package cpu

import "github.com/onnxtrain/onnxtrain/tensor/linalg"

// pack rounds the filters of some strips and puts them in blocks.
func (r *halfConvRun) pack(worker, lo, hi int) {
	w := &r.workers[worker]
	clear(w.filter)
	for i := lo; i < hi; i++ {
		group, strip := i/r.strips, i%r.strips
		filters := r.packed[group*r.filters:]
		for k := range r.sets {
			s := &r.sets[k]
			clear(filters[s.from+strip*s.perStrip:][:s.perStrip])
		}
		rows := min(linalg.HalfRows, r.m-strip*linalg.HalfRows)
		if r.turned && !r.in.stacked {
			r.packTurned(w, filters, group, strip, rows)
			continue
		}
		for row := range rows {
			r.packFilter(w, filters, group, strip, row)
		}
	}
}

// packFilter does it for one output channel.
func (r *halfConvRun) packFilter(w *halfWorker, filters []uint16, group, strip, row int) {
	taps, out := r.allTaps(), strip*linalg.HalfRows+row
	if r.turned {
		r.sweeper.Transpose(w.filter, r.perTap, r.w[(group*r.c*r.m+out)*taps:], r.m*taps, taps, r.c)
	} else {
		r.sweeper.Transpose(w.filter, r.perTap, r.w[(group*r.m+out)*r.c*taps:], taps, taps, r.c)
	}
	linalg.Narrow(w.rounded, w.filter[:taps*r.perTap])
	for i := range r.sets {
		s := &r.sets[i]
		to := filters[s.from+strip*s.perStrip:]
		for _, p := range s.pieces {
			copy(to[p.to+row*r.steps:][:p.count], w.rounded[p.from:])
		}
	}
}

// packTurned does it for all rows of a strip, of which a block of input channels at a time: the rows have their elements for an
// input channel side by side, and those for the next one far away.
func (r *halfConvRun) packTurned(w *halfWorker, filters []uint16, group, strip, rows int) {
	taps := r.allTaps()
	tile := w.filter[:rows*taps*r.steps]
	for ch := 0; ch < r.c; ch += r.steps {
		lanes := min(r.steps, r.c-ch)
		if lanes < r.steps {
			clear(tile)
		}
		r.sweeper.Transpose(tile, r.steps, r.w[((group*r.c+ch)*r.m+strip*linalg.HalfRows)*taps:], r.m*taps, rows*taps, lanes)
		linalg.Narrow(w.rounded, tile)
		for i := range r.sets {
			s := &r.sets[i]
			for _, p := range s.pieces {
				if p.from%r.perTap != ch {
					continue
				}
				to := filters[s.from+strip*s.perStrip+p.to:]
				for row := range rows {
					copy(to[row*r.steps:][:r.steps], w.rounded[(row*taps+p.from/r.perTap)*r.steps:])
				}
			}
		}
	}
}
