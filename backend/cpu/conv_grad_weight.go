package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	weight := func(n *graph.Node) *weightDirect {
		v, _ := conv2dOf(n)
		return v.weightDirect()
	}
	Register(Kernel{
		Name: "conv_grad_weight/direct", Op: graph.OpID{Domain: op.Internal, Type: "ConvGradWeight"}, Rank: 1,
		Tol: Tol{Abs: 1e-4, Rel: 2e-5}, When: convFits,
		Scratch: func(n *graph.Node, threads int) int {
			d := weight(n)
			if d.parts == 1 {
				threads = 1
			}
			return 4 * (roundUp(d.parts*d.sums(), 16) + threads*d.room())
		},
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			d := weight(n)
			mem := floats(s.Mem)
			sums := roundUp(d.parts*d.sums(), 16)
			r := &weightRun{weightDirect: d, dy: in[0].F32(), x: in[1].F32(), dw: out[0].F32(), pool: s.Pool, sums: mem[:sums], rooms: mem[sums:]}
			return r.bind(), nil
		},
	})
}

// weightRun is a weightDirect with its data.
type weightRun struct {
	*weightDirect
	pool        *par.Pool
	dw, dy, x   []float32
	sums, rooms []float32

	// The fill that is being summed in parallel.
	fill weightFill
}

func (r *weightRun) bind() func() error {
	finish := func(_, lo, hi int) { r.join(lo, hi) }
	grain := max(1, chunk/(r.columns*r.parts))
	if r.parts > 1 {
		sumParts := r.sumParts
		return func() error {
			r.pool.For(r.parts, 1, sumParts)
			r.pool.For(r.g*r.m, grain, finish)
			return nil
		}
	}
	copies := func(_, lo, hi int) {
		for i := lo; i < hi; i++ {
			r.fillInput(r.rooms, r.x, r.fill, i)
			r.fillOutput(r.rooms[r.inputRoom():], r.dy, r.fill, i)
		}
	}
	sweeps := func(_, lo, hi int) {
		for i := lo; i < hi; i++ {
			r.sweep(r.sums, r.rooms, r.fill, i/r.groups, i%r.groups)
		}
	}
	return func() error {
		for i := range r.countFills(r.n) {
			r.fill = r.fillAt(0, r.n, i)
			r.pool.For(r.fill.images, 1, copies)
			r.pool.For(r.strips*r.groups, 1, sweeps)
		}
		r.pool.For(r.g*r.m, grain, finish)
		return nil
	}
}

// sumParts sums parts [lo, hi) of the batch.
func (r *weightRun) sumParts(worker, lo, hi int) {
	room := r.rooms[worker*r.room():][:r.room()]
	for part := lo; part < hi; part++ {
		sums := r.sums[part*r.weightDirect.sums():]
		first := part * r.part
		images := min(r.part, r.n-first)
		for i := range r.countFills(images) {
			f := r.fillAt(first, images, i)
			for image := range f.images {
				r.fillInput(room, r.x, f, image)
				r.fillOutput(room[r.inputRoom():], r.dy, f, image)
			}
			for strip := range r.strips {
				for group := range r.groups {
					r.sweep(sums, room, f, strip, group)
				}
			}
		}
	}
}

// join adds the parts of filters [lo, hi).
func (r *weightRun) join(lo, hi int) {
	all := r.weightDirect.sums()
	sums := r.sums[lo*r.columns : hi*r.columns]
	for part := 1; part < r.parts; part++ {
		addVV(sums, sums, r.sums[part*all+lo*r.columns:][:len(sums)])
	}
	r.finish(r.dw, r.sums, lo, hi)
}
