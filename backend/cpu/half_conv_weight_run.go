package cpu

import (
	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

// halfWeightRun is a halfWeight with its data.
type halfWeightRun struct {
	*halfWeight
	pool    *par.Pool
	dw      []float32
	dy, x   []uint16
	sums    []float32
	zeros   []uint16
	fills   []halfFill // of the workers when each has a part
	workers []halfWeightWorker
	current halfPart // what is being summed by all workers
}

// halfFill is the memory of a fill.
type halfFill struct {
	cleared              bool
	planes, gathered, dy []float32 // of pairs
}

// halfWeightWorker is what a worker has for itself: the pairs that are being put.
type halfWeightWorker struct {
	tile      linalg.HalfTile
	plane, dy []float32
}

// halfPart is some images, side by side, of a section of a group.
type halfPart struct {
	group, section, first, count int
	clear                        bool
}

func (r *halfWeightRun) bind(s Scratch) func() error {
	sums, zeros := r.shared()
	mem := floats(s.Mem)
	r.sums, r.zeros, mem = mem[:sums], halfWords(mem[sums:][:zeros]), mem[sums+zeros:]
	take := func(size int) []float32 {
		part := mem[:size:size]
		mem = mem[roundUp(size, 16):]
		return part
	}
	r.fills = make([]halfFill, r.countFills(s.Pool.Threads()))
	for i := range r.fills {
		planes, gathered, dy := r.sizes()
		r.fills[i] = halfFill{planes: take(planes), gathered: take(gathered), dy: take(dy)}
	}
	r.workers = make([]halfWeightWorker, s.Pool.Threads())
	for i := range r.workers {
		plane, dy := r.pairs()
		r.workers[i] = halfWeightWorker{plane: take(plane), dy: take(dy)}
	}
	sumPart, finish, add := r.sumPart, r.finish, r.addParts
	all := r.sumAll()
	return func() error {
		clear(r.zeros)
		for i := range r.fills {
			r.fills[i].cleared = false
		}
		if r.parts == 1 {
			all()
		} else {
			r.pool.For(r.parts, 1, sumPart)
			r.pool.For(r.g*r.halfWeight.sums(), chunk, add)
		}
		r.pool.For(r.g*r.panels*r.turns(), 1, finish)
		return nil
	}
}

// prepare makes sure that what no fill writes is 0.
func (f *halfFill) prepare() {
	if !f.cleared {
		clear(f.planes)
		clear(f.gathered)
		clear(f.dy)
		f.cleared = true
	}
}

// each calls fn with what images [first, last) side by side are summed in.
func (r *halfWeightRun) each(first, last int, fn func(p halfPart)) {
	for group := range r.g {
		for at := first; at < last; at += r.some {
			for section := range r.sections {
				fn(halfPart{group: group, section: section, first: at, count: min(r.some, last-at), clear: at == first && section == 0})
			}
		}
	}
}

// sumPart sums parts [lo, hi) of the batch.
func (r *halfWeightRun) sumPart(worker, lo, hi int) {
	f, w := &r.fills[worker], &r.workers[worker]
	f.prepare()
	for part := lo; part < hi; part++ {
		sums := r.sums[part*r.g*r.halfWeight.sums():]
		first := part * r.part
		r.each(first, min(first+r.part, r.joins), func(p halfPart) {
			for i := range r.puts(p) {
				r.put(w, f, p, i)
			}
			for i := range r.products() {
				r.multiply(&w.tile, f, sums, p, i)
			}
		})
	}
}

// sumAll sums the batch with all workers in each fill.
func (r *halfWeightRun) sumAll() func() {
	f := &r.fills[0]
	put := func(worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			r.put(&r.workers[worker], f, r.current, i)
		}
	}
	multiply := func(worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			r.multiply(&r.workers[worker].tile, f, r.sums, r.current, i)
		}
	}
	step := func(p halfPart) {
		r.current = p
		r.pool.For(r.puts(p), 1, put)
		r.pool.For(r.products(), 1, multiply)
	}
	return func() {
		f.prepare()
		r.each(0, r.joins, step)
	}
}

// addParts adds the parts of sums [lo, hi).
func (r *halfWeightRun) addParts(_, lo, hi int) {
	for part := 1; part < r.parts; part++ {
		addVV(r.sums[lo:hi], r.sums[lo:hi], r.sums[part*r.g*r.halfWeight.sums()+lo:][:hi-lo])
	}
}

// products is the number of products of a fill, each of some rows and columns for all taps.
func (r *halfWeightRun) products() int { return ceilDiv(r.rows, linalg.HalfRows) * r.panels }

func (r *halfWeightRun) multiply(t *linalg.HalfTile, f *halfFill, sums []float32, p halfPart, i int) {
	panel, row := i%r.panels, i/r.panels*linalg.HalfRows
	x, taps := f.planes, r.taps
	if r.gather {
		x, taps = f.gathered, taps[:1]
	}
	for k, tap := range taps {
		if r.gather {
			tap = 0
		}
		*t = linalg.HalfTile{
			A: halfWords(x[row*r.line+tap:]), AAt: r.a[:p.count*r.blocks], ARow: 2 * r.line, Steps: linalg.HalfSteps,
			B: halfWords(f.dy[panel*r.some*r.positions*linalg.HalfCols:]), BAt: r.b[:p.count*r.blocks], BRow: 2 * linalg.HalfCols,
			BPanel: 2 * linalg.HalfCols * r.some * r.positions,
			C:      sums[p.group*r.halfWeight.sums()+panel*r.panel()+(row*len(taps)+k)*r.width:], CRow: len(taps) * r.width,
			Rows: min(linalg.HalfRows, r.rows-row), Cols: min(r.width, r.m-panel*linalg.HalfCols), Clear: p.clear,
		}
		t.Run()
	}
}

// halfTurn is how many weights of a panel of filters are written at a time.
const halfTurn = 256

// turns is the number of tasks that write the weights of a panel, and finish runs those of all.
func (r *halfWeightRun) turns() int { return ceilDiv(r.filter(), halfTurn) }

func (r *halfWeightRun) finish(_, lo, hi int) {
	for i := lo; i < hi; i++ {
		group, panel, first := i/r.turns()/r.panels, i/r.turns()%r.panels, i%r.turns()*halfTurn
		sums := r.sums[group*r.halfWeight.sums()+panel*r.panel()+first*r.width:]
		dw := r.dw[(group*r.m+panel*linalg.HalfCols)*r.filter()+first:]
		r.sweeper.Transpose(dw, r.filter(), sums, r.width, min(r.width, r.m-panel*linalg.HalfCols), min(halfTurn, r.filter()-first))
	}
}
