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
	planes          []float32 // of pairs
	pair            []float32 // that is being put
	results, images []float32
	filter          []float32 // that is being packed
	rounded         []uint16
}

// sizes are the elements of a worker's memory, in the order of halfWorker.
func (h *halfConv) sizes() [6]int {
	taps := h.allTaps() * max(h.perTap, linalg.HalfRows*h.steps)
	images := 0
	if !h.straight() {
		images = h.in.join * linalg.HalfRows * h.image
	}
	return [6]int{h.stack * h.planes(), h.in.room(), len(h.sets) * linalg.HalfRows * h.row, images, taps, ceilDiv(taps, 2)}
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
		var parts [6][]float32
		for k, size := range r.sizes() {
			parts[k], mem = mem[:size:size], mem[roundUp(size, 16):]
		}
		w.planes, w.pair, w.results, w.images, w.filter = parts[0], parts[1], parts[2], parts[3], parts[4]
		w.rounded = halfWords(parts[5])
	}
	tasks := ceilDiv(ceilDiv(r.n, r.in.join), r.stack) * r.g * r.sections
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

func (r *halfConvRun) convolve(worker, lo, hi int) {
	w := &r.workers[worker]
	if !w.cleared {
		clear(w.planes)
		w.cleared = true
	}
	for i := lo; i < hi; i++ {
		section, group, first := i%r.sections, i/r.sections%r.g, i/r.sections/r.g*r.stack*r.in.join
		count := ceilDiv(min(r.stack*r.in.join, r.n-first), r.in.join)
		for k := range count {
			r.fill(w, k, group, first+k*r.in.join, section)
		}
		r.products(w, group, first, count, section)
	}
}

// products makes the results of a task. A strip of filters stays in the cache while it goes over all bands.
func (r *halfConvRun) products(w *halfWorker, group, first, count, section int) {
	bands := ceilDiv(r.rowsOf(section), r.band)
	for i := range r.strips * count * bands {
		strip, k, band := i/bands/count, i/bands%count, i%bands
		top := band * r.band
		rows := min(r.band, r.rowsOf(section)-top)
		r.multiply(w, k, group, strip, top, rows)
		r.round(w, first+k*r.in.join, group, strip, section*r.in.each+top, rows)
	}
}

// fill makes the planes of the images that lie side by side, from the first on.
func (r *halfConvRun) fill(w *halfWorker, k, group, first, section int) {
	plane := r.in.ih * r.in.iw
	planes := w.planes[k*r.planes():][:r.planes()]
	if r.in.wiped {
		clear(planes)
	}
	for pair := range r.pairs() {
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
		switch {
		case r.in.stacked && r.across == halfPanel:
			t.BPanel = 2 * r.in.pitch
			t.Run()
		case r.in.stacked:
			for row := range rows {
				t.B, t.C, t.Cols = halfWords(planes[row*r.in.pitch:]), w.results[i*linalg.HalfRows*r.row+row*r.across:], r.direct.cols*r.in.join
				t.Run()
			}
			t.C = w.results[i*linalg.HalfRows*r.row:]
		default:
			t.Run()
		}
		if r.bias != nil {
			for row := range count {
				c := t.C[row*r.row:][:columns]
				addVS(c, c, r.bias[group*r.m+strip*linalg.HalfRows+row])
			}
		}
	}
}
