package cpu

import (
	"unsafe"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// reducer is an associative function of numbers made of the elements, which runs along rows and adds rows up.
type reducer struct {
	row   func(x []float32) float64  // of the elements of a row, at least one
	join  func(a, b float64) float64 // of two results of row
	first func(acc, x []float32)     // acc = what row makes of each element; nil: x itself
	rows  func(acc, x []float32)     // acc = join(acc, what row makes of x), element by element
	joins func(acc, x []float32)     // acc = join(acc, x); nil: rows
	mean  bool                       // divide by the number of elements

	// The result is a function of what was joined, if any.
	last  func(v float64) float64
	lasts func(y, acc []float32)
}

func (r *reducer) finished(v float64) float32 {
	if r.last != nil {
		v = r.last(v)
	}
	return float32(v)
}

var (
	sumReducer = reducer{
		row:  func(x []float32) float64 { return float64(sum(x)) },
		join: func(a, b float64) float64 { return a + b },
		rows: func(acc, x []float32) { addVV(acc, acc, x) },
	}
	meanReducer = reducer{row: sumReducer.row, join: sumReducer.join, rows: sumReducer.rows, mean: true}
	maxReducer  = reducer{
		row:  func(x []float32) float64 { return float64(maxOf(x)) },
		join: func(a, b float64) float64 { return max(a, b) },
		rows: func(acc, x []float32) { maxVV(acc, acc, x) },
	}
)

const (
	// columns is the widest strip of columns that rows are added up in: 4 KiB, which stays in L1.
	columns = 1 << 10
	// addends bounds the rows added up one after the other: sums of sums lose fewer bits.
	addends = 256
)

// reduction is a reducer on one shape. The dimensions are split into those that are kept, those that are reduced and
// the innermost one, a run that is one of both. Work is cut into parts of about chunk elements; the partial results
// of a kept element or strip are joined in order.
type reduction struct {
	reducer
	kept, reduced *nest // operands: x, y
	room          rooms
	run           int
	alongRun      bool // whether the run is reduced
	scale         float64

	// Along runs: a part is rows whole runs, or cuts parts make a run.
	rows, cuts int
	// Across runs: the run is cut into strips, and a part is rows runs of one strip.
	strips int
	parts  int // per kept element, or strip of them
}

// newReduction plans f from shape to kept, the shape with 1 for each reduced dimension.
func newReduction(f reducer, shape, kept tensor.Shape) *reduction {
	all := newNest(shape, shape.Strides(), kept.BroadcastStrides(shape))
	last := len(all.dims) - 1
	r := &reduction{reducer: f, run: all.dims[last], alongRun: all.strides[1][last] == 0, scale: 1, cuts: 1, strips: 1}
	pick := func(isReduced bool) *nest {
		var dims, x, y []int
		for d, size := range all.dims[:last] {
			if (all.strides[1][d] == 0) == isReduced {
				dims, x, y = append(dims, size), append(x, all.strides[0][d]), append(y, all.strides[1][d])
			}
		}
		return newNest(dims, x, y)
	}
	r.kept, r.reduced = pick(false), pick(true)
	if f.mean {
		r.scale = float64(kept.Elems()) / float64(shape.Elems())
	}
	width := r.run
	if !r.alongRun {
		width = min(width, columns)
		r.strips = ceilDiv(r.run, columns)
	}
	r.rows = max(1, chunk/width)
	if !r.alongRun {
		r.rows = min(r.rows, addends)
	}
	r.parts = ceilDiv(r.reduced.total, r.rows)
	if r.alongRun && r.run > chunk {
		r.cuts = ceilDiv(r.run, chunk)
		r.parts *= r.cuts
	}
	return r
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// partialBytes is the number of bytes for partial results.
func (r *reduction) partialBytes() int {
	switch {
	case r.parts == 1:
		return 0
	case r.alongRun:
		return 8 * r.kept.total * r.parts
	default:
		return 4 * r.kept.total * r.strips * r.parts * min(r.run, columns)
	}
}

// block is the number of elements that are reduced in one call at most.
func (r *reduction) block() int {
	if r.alongRun {
		return min(r.run, chunk)
	}
	return min(r.run, columns)
}

func (r *reduction) scratch(threads int) int {
	return align(r.partialBytes()) + roomBytes(1, r.block(), threads)
}

func (r *reduction) bind(x vector, y []float32, s Scratch) func() error {
	r.room = roomsIn(Scratch{Mem: s.Mem[align(r.partialBytes()):]}, 1, r.block())
	s.Mem = s.Mem[:r.partialBytes()]
	if r.alongRun {
		return r.bindAlong(x, y, s)
	}
	return r.bindAcross(x, y, s)
}

// bindAlong reduces runs to numbers.
func (r *reduction) bindAlong(x vector, y []float32, s Scratch) func() error {
	elements := r.kept.total
	partial := unsafe.Slice((*float64)(unsafe.Pointer(unsafe.SliceData(s.Mem))), len(s.Mem)/8)
	each := func(worker, lo, hi int) {
		c := r.kept.cursor(lo / r.parts)
		for i := lo; i < hi; i++ {
			v := r.part(r.room.of(worker, 0), x, c.at[0], i%r.parts)
			if r.parts > 1 {
				partial[i] = v
			} else {
				y[c.at[1]] = r.finished(v * r.scale)
			}
			if (i+1)%r.parts == 0 {
				c.advance(1)
			}
		}
	}
	join := func(_, lo, hi int) {
		c := r.kept.cursor(lo)
		for i := lo; i < hi; i++ {
			v := partial[i*r.parts]
			for _, p := range partial[i*r.parts+1 : (i+1)*r.parts] {
				v = r.join(v, p)
			}
			y[c.at[1]] = r.finished(v * r.scale)
			c.advance(1)
		}
	}
	grain := max(1, chunk/(r.run*min(r.rows, r.reduced.total)))
	return func() error {
		s.Pool.For(elements*r.parts, grain, each)
		if r.parts > 1 {
			s.Pool.For(elements, chunk/r.parts, join)
		}
		return nil
	}
}

// part is the result of one part of the element whose first run starts at start of x.
func (r *reduction) part(room []float32, x vector, start, part int) float64 {
	first := part / r.cuts * r.rows
	from := part % r.cuts * chunk
	to := r.run
	if r.cuts > 1 {
		to = min(from+chunk, r.run)
	}
	c := r.reduced.cursor(first)
	run := func() float64 { return r.row(x.read(room, start+c.at[0]+from, start+c.at[0]+to)) }
	v := run()
	for i := first + 1; i < min(first+r.rows, r.reduced.total); i++ {
		c.advance(1)
		v = r.join(v, run())
	}
	return v
}

// bindAcross adds runs up element by element.
func (r *reduction) bindAcross(x vector, y []float32, s Scratch) func() error {
	width := min(r.run, columns)
	partial := floats(s.Mem)
	each := func(worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			strip, part := i/r.parts%r.strips, i%r.parts
			c := r.kept.cursor(i / r.parts / r.strips)
			from, to := strip*columns, min((strip+1)*columns, r.run)
			acc := y[c.at[1]+from : c.at[1]+to]
			if r.parts > 1 {
				acc = partial[i*width : i*width+to-from]
			}
			r.addRows(r.room.of(worker, 0), acc, x, c.at[0]+from, part*r.rows, min((part+1)*r.rows, r.reduced.total))
			if r.parts == 1 {
				r.finish(acc)
			}
		}
	}
	join := func(_, lo, hi int) {
		for i := lo; i < hi; i++ {
			strip := i % r.strips
			c := r.kept.cursor(i / r.strips)
			acc := y[c.at[1]+strip*columns : c.at[1]+min((strip+1)*columns, r.run)]
			copy(acc, partial[i*r.parts*width:])
			for p := i*r.parts + 1; p < (i+1)*r.parts; p++ {
				if r.joins != nil {
					r.joins(acc, partial[p*width:p*width+len(acc)])
				} else {
					r.reducer.rows(acc, partial[p*width:p*width+len(acc)])
				}
			}
			r.finish(acc)
		}
	}
	grain := max(1, chunk/(width*min(r.rows, r.reduced.total)))
	return func() error {
		s.Pool.For(r.kept.total*r.strips*r.parts, grain, each)
		if r.parts > 1 {
			s.Pool.For(r.kept.total*r.strips, 1, join)
		}
		return nil
	}
}

// addRows joins the reduced rows [lo, hi), of which row 0 starts at start of x, into acc.
func (r *reduction) addRows(room, acc []float32, x vector, start, lo, hi int) {
	c := r.reduced.cursor(lo)
	row := func() []float32 { return x.read(room, start+c.at[0], start+c.at[0]+len(acc)) }
	if r.first != nil {
		r.first(acc, row())
	} else {
		copy(acc, row())
	}
	for i := lo + 1; i < hi; i++ {
		c.advance(1)
		r.reducer.rows(acc, row())
	}
}

func (r *reduction) finish(acc []float32) {
	if r.scale != 1 {
		mulVS(acc, acc, float32(r.scale))
	}
	if r.lasts != nil {
		r.lasts(acc, acc)
	}
}

// floats views scratch memory as float32.
func floats(b []byte) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/4)
}

func nonEmpty(n *graph.Node) bool { return n.In[0].Type.Shape.Elems() > 0 }
