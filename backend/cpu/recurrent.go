package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/ops"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

// recurrent is a recurrent layer with default activations over sequences of one length, X being [Steps, Batch, Input].
// All products with the input's weights, and in gradients those with the recurrent weights, are over the rows of all
// steps at once, of which each has a number for every gate and hidden unit.
type recurrent struct {
	ops.Recurrence
	width int // columns of a row: gates*Hidden
	rows  int // Steps*Batch
	state int // elements of the state of a step: Batch*Hidden
	s     Scratch
	work  []float32
}

// recurrentOf reads a node of the given number of gates; false when it is another kind of layer.
func recurrentOf(n *graph.Node, gates int) (recurrent, bool) {
	r, err := ops.RecurrenceOf(n)
	if err != nil || !r.Plain || r.BatchFirst || n.Input(4) != nil || !allFloat32(n) {
		return recurrent{}, false
	}
	layer := recurrent{Recurrence: r, width: gates * r.Hidden, rows: r.Steps * r.Batch, state: r.Batch * r.Hidden}
	return layer, layer.rows > 0 && r.Hidden > 0 && r.Input > 0
}

// order is the step that direction d takes as number i.
func (r *recurrent) order(d, i int) int {
	if r.Reverse[d] {
		return r.Steps - 1 - i
	}
	return i
}

// grain is the rows that a chunk of work on gates has; their exponentials make it longer than its elements say.
func (r *recurrent) grain() int { return max(1, chunk/4/r.width) }

// gateRows are the rows of step t.
func (r *recurrent) gateRows(all []float32, t int) []float32 {
	return all[t*r.Batch*r.width:][:r.Batch*r.width]
}

// states is the state of step t in a list of one for each step.
func (r *recurrent) states(all []float32, t int) []float32 { return all[t*r.state:][:r.state] }

// outputs is the part of Y, or its gradient, of step t and direction d; nil when that is absent.
func (r *recurrent) outputs(y []float32, t, d int) []float32 {
	if y == nil {
		return nil
	}
	return y[(t*r.Dirs+d)*r.state:][:r.state]
}

// direction is the part of direction d of a tensor that has one for each, nil when that is absent.
func (r *recurrent) direction(x []float32, d int) []float32 {
	if x == nil {
		return nil
	}
	size := len(x) / r.Dirs
	return x[d*size:][:size]
}

// statesBefore copies the state before every step: that of the step taken before, and of the first one the initial state.
func (r *recurrent) statesBefore(to, y, initial []float32, d int) {
	for i := range r.Steps {
		from := r.direction(initial, d)
		if i > 0 {
			from = r.outputs(y, r.order(d, i-1), d)
		}
		copyOr0(r.states(to, r.order(d, i)), from)
	}
}

// copyOr0 copies, or clears when there is nothing to copy.
func copyOr0(to, from []float32) {
	if from == nil {
		clear(to)
	} else {
		copy(to, from)
	}
}

// multiply sets c = a*b + beta*c, with bias added to every row unless it is nil.
func (r *recurrent) multiply(c linalg.Mat, a, b linalg.Mat, beta float32, bias []float32) {
	call := linalg.GemmCall{A: a, B: b, C: c, Alpha: 1, Beta: beta}
	call.Epilogue.ColBias = bias
	call.Run(r.s.Pool, r.work)
}

// columnSums sums the rows of a matrix of the given width.
type columnSums struct {
	rows, total []float32
	width       int
	body        func(worker, lo, hi int)
}

func newColumnSums(width int) *columnSums {
	c := &columnSums{width: width}
	c.body = c.some
	return c
}

func (c *columnSums) run(s Scratch, total, rows []float32) {
	c.rows, c.total = rows, total
	s.Pool.For(c.width, 64, c.body)
}

func (c *columnSums) some(_, lo, hi int) {
	total := c.total[lo:hi]
	clear(total)
	for at := 0; at < len(c.rows); at += c.width {
		addVV(total, total, c.rows[at+lo:at+hi])
	}
}

// room hands out parts of scratch memory.
type room []float32

func (r *room) take(n int) []float32 {
	part := (*r)[:n:n]
	*r = (*r)[n:]
	return part
}

// recurrentKernel registers a kernel for layers of the given number of gates; elems is the scratch memory that it
// takes from room, and k and n the inner size and columns of the products of Batch and of all rows.
func recurrentKernel(name string, id graph.OpID, gates int, fits func(n *graph.Node) bool, elems func(r *recurrent) int,
	bind func(r recurrent, n *graph.Node, in, out []*tensor.Tensor, mem *room) func() error) {
	Register(Kernel{
		Name: name, Op: id, Tol: Tol{Abs: 5e-5, Rel: 5e-5},
		When: func(n *graph.Node) bool {
			_, ok := recurrentOf(n, gates)
			return ok && fits(n)
		},
		Scratch: func(n *graph.Node, threads int) int {
			r, _ := recurrentOf(n, gates)
			return 4 * (elems(&r) + r.gemmWork(threads))
		},
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			r, _ := recurrentOf(n, gates)
			mem := room(floats(s.Mem))
			r.s, r.work = s, mem.take(r.gemmWork(s.Pool.Threads()))
			return bind(r, n, in, out, &mem), nil
		},
	})
}

// gemmWork is enough for every product of a layer and its gradient.
func (r *recurrent) gemmWork(threads int) int {
	work := 0
	for part := r.Hidden; part <= r.width; part += r.Hidden {
		for _, width := range [...]int{r.Input, r.Hidden} {
			for _, rows := range [...]int{r.Batch, r.rows} {
				work = max(work, linalg.GemmWork(rows, part, width, threads), linalg.GemmWork(rows, width, part, threads))
			}
			work = max(work, linalg.GemmWork(part, width, r.rows, threads))
		}
	}
	return work
}
