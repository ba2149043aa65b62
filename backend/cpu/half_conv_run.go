package cpu

import (
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

// halfConvRun is a halfConv with its data.
type halfConvRun struct {
	*halfConv
	x, y    []uint16
	w, bias []float32
	packed  []uint16 // the filters of all groups
	zeros   []uint16 // a plane
	workers []halfWorker
}

// halfWorker is what a worker has for itself.
type halfWorker struct {
	tile            linalg.HalfTile
	cleared         bool
	planes, gather  []float32 // of pairs
	pair            []float32 // that is being put
	results, images []float32
	filter          []float32 // that is being packed
	rounded         []uint16
}

// sizes are the elements of a worker's memory, in the order of halfWorker.
func (h *halfConv) sizes() [7]int {
	taps := h.allTaps() * h.perTap
	images := 0
	if !h.straight() {
		images = h.in.join * linalg.HalfRows * h.image
	}
	return [7]int{h.stack * h.planes(), h.gathered(), h.in.room(), len(h.sets) * linalg.HalfRows * h.row, images, taps, ceilDiv(taps, 2)}
}

func (h *halfConv) room() int {
	total := 0
	for _, size := range h.sizes() {
		total += roundUp(size, 16)
	}
	return total
}

func (h *halfConv) shared() (filters, zeros int) {
	return roundUp(ceilDiv(h.g*h.filters, 2), 16), roundUp(ceilDiv(h.in.ih*h.in.iw, 2), 16)
}

func (h *halfConv) scratch(threads int) int {
	filters, zeros := h.shared()
	return 4 * (filters + zeros + threads*h.room())
}

func (r *halfConvRun) bind(s Scratch) func() error {
	filters, zeros := r.shared()
	mem := floats(s.Mem)
	r.packed, r.zeros, mem = halfWords(mem[:filters]), halfWords(mem[filters:][:zeros]), mem[filters+zeros:]
	r.workers = make([]halfWorker, s.Pool.Threads())
	for i := range r.workers {
		w := &r.workers[i]
		var parts [7][]float32
		for k, size := range r.sizes() {
			parts[k], mem = mem[:size:size], mem[roundUp(size, 16):]
		}
		w.planes, w.gather, w.pair, w.results, w.images, w.filter = parts[0], parts[1], parts[2], parts[3], parts[4], parts[5]
		w.rounded = halfWords(parts[6])
	}
	tasks := ceilDiv(ceilDiv(r.n, r.in.join), r.stack) * r.g * r.in.sections
	pack, convolve := r.pack, r.convolve
	return func() error {
		clear(r.zeros)
		for i := range r.workers {
			r.workers[i].cleared = false
		}
		s.Pool.For(r.g*r.strips, 1, pack)
		s.Pool.For(tasks, 1, convolve)
		return nil
	}
}

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
		for row := range min(linalg.HalfRows, r.m-strip*linalg.HalfRows) {
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
	linalg.Narrow(w.rounded, w.filter)
	for i := range r.sets {
		s := &r.sets[i]
		if len(s.taps) == 0 {
			continue
		}
		to := filters[s.from+strip*s.perStrip+row*r.steps:]
		for t, tap := range s.taps {
			from := w.rounded[tap.at*r.perTap:][:r.perTap]
			for k := t * r.perTap; len(from) > 0; {
				n := copy(to[k/r.steps*linalg.HalfRows*r.steps+k%r.steps:][:r.steps-k%r.steps], from)
				from, k = from[n:], k+n
			}
		}
	}
}

func (r *halfConvRun) convolve(worker, lo, hi int) {
	w := &r.workers[worker]
	if !w.cleared {
		clear(w.planes)
		clear(w.gather)
		w.cleared = true
	}
	for i := lo; i < hi; i++ {
		section, group, first := i%r.in.sections, i/r.in.sections%r.g, i/r.in.sections/r.g*r.stack*r.in.join
		count := ceilDiv(min(r.stack*r.in.join, r.n-first), r.in.join)
		for k := range count {
			r.fill(w, k, group, first+k*r.in.join, section)
		}
		r.products(w, group, first, count, section)
	}
}

// products makes the results of a task. A strip of filters stays in the cache while it goes over all bands; gathered rows do
// while all strips go over them.
func (r *halfConvRun) products(w *halfWorker, group, first, count, section int) {
	bands := ceilDiv(r.rowsOf(section), r.band)
	for i := range r.strips * count * bands {
		strip, k, band := i/bands/count, i/bands%count, i%bands
		if r.gather {
			k, band, strip = i/r.strips/bands, i/r.strips%bands, i%r.strips
		}
		top := band * r.band
		rows := min(r.band, r.rowsOf(section)-top)
		r.multiply(w, k, group, strip, top, rows)
		r.round(w, first+k*r.in.join, group, strip, section*r.in.each+top, rows)
	}
}

// fill makes the planes of the images that lie side by side, from the first on.
func (r *halfConvRun) fill(w *halfWorker, k, group, first, section int) {
	plane := r.in.ih * r.in.iw
	planes := w.planes[k*r.planes():]
	for pair := range ceilDiv(r.c, 2) {
		odd := plane
		if 2*pair+1 == r.c {
			odd = 0
		}
		r.in.put(planes[pair*r.in.apart:], w.pair, r.x, r.zeros, ((first*r.g+group)*r.c+2*pair)*plane, r.g*r.c*plane, odd,
			min(r.in.join, r.n-first), section)
	}
}

// rowsOf is the number of rows of a phase in a section.
func (r *halfConvRun) rowsOf(section int) int { return min(r.in.each, r.rows-section*r.in.each) }

// multiply computes rows of all phases of a strip of channels.
func (r *halfConvRun) multiply(w *halfWorker, k, group, strip, top, rows int) {
	planes, t := w.planes[k*r.planes():][:r.planes()][top*r.in.pitch:], &w.tile
	columns := r.columns(rows)
	count := min(linalg.HalfRows, r.m-strip*linalg.HalfRows)
	for i := range r.sets {
		s := &r.sets[i]
		*t = linalg.HalfTile{
			A: r.packed[group*r.filters+s.from+strip*s.perStrip:], AAt: s.a, ARow: r.steps, Steps: r.steps,
			B: halfWords(planes), BAt: s.b, BRow: 2 * r.in.apart, BPanel: 2 * linalg.HalfCols,
			C: w.results[i*linalg.HalfRows*r.row:], CRow: r.row, Rows: count, Cols: columns, Clear: true,
		}
		if r.gather {
			if strip == 0 || len(r.sets) > 1 {
				r.collect(w.gather, planes, s, columns)
			}
			t.B, t.BRow = halfWords(w.gather), 2*r.line
		}
		t.Run()
		if r.bias != nil {
			for row := range count {
				c := t.C[row*r.row:][:columns]
				addVS(c, c, r.bias[group*r.m+strip*linalg.HalfRows+row])
			}
		}
	}
}

// collect copies what the taps of a set see of all pairs of channels, one row for each.
func (r *halfConvRun) collect(dst, planes []float32, s *halfSet, columns int) {
	pairs := r.perTap / 2
	for t, at := range s.places {
		for pair := range pairs {
			copy(dst[(t*pairs+pair)*r.line:][:columns], planes[pair*r.in.apart+at:])
		}
	}
}
