package train

import (
	"runtime"
	"slices"

	"github.com/onnxtrain/onnxtrain/data"
	"github.com/onnxtrain/onnxtrain/internal/memory"
	"github.com/onnxtrain/onnxtrain/registry"
)

// Plan is the memory that a run holds at its peak, in bytes, known before its first step.
type Plan struct {
	Compute int64 // activations, gradients and scratch of all programs, for training and evaluation
	State   int64 // of the optimizer
	Scratch int64 // of the optimizer's update, as it says itself
	Data    int64 // batches read ahead
	// Process is everything else: weights, data held in memory, writing the model, code, the runtime, and garbage that
	// waits for its collection.
	Process int64
	// Go is the part of all that the Go runtime counts, which debug.SetMemoryLimit keeps it to.
	Go int64
}

// Total is what the process takes.
func (p Plan) Total() int64 { return p.Compute + p.State + p.Scratch + p.Data + p.Process }

// Allowances for what cannot be counted before the run: more pages of code, stacks and tables of the runtime, and garbage,
// of which the collector leaves a part of the heap.
const (
	codeGrowth    = 4 << 20
	runtimeGrowth = 3 << 20
	leastGarbage  = 6 << 20
	garbageShare  = 8 // of the heap
)

// plan compiles all programs that the run will need and adds up what it takes. It is an error if that is more than the
// process can have.
func (r *run) plan() (Plan, error) {
	if err := r.compileAll(); err != nil {
		return Plan{}, err
	}
	s, e := r.s, r.s.Engine
	p := Plan{State: r.trainer.StateBytes(), Data: r.batchBytes()}
	var largest int64
	p.Scratch, largest = r.trainer.opt.scratch(s.Pool.Threads())
	params := int64(0)
	for _, program := range e.programs {
		m := program.Memory()
		p.Compute += m.ArenaBytes + m.ScratchBytes
		params = max(params, m.ParamBytes)
	}
	inHeap, shared := p.State, int64(0)
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	heap := int64(m.HeapAlloc) + p.Data + p.Scratch + e.writing() // HeapAlloc has the weights and the state in it
	if s.Config.Accumulate > 1 {
		heap += e.paramBytes() // the sums of gradients
	}
	if r.trainer.opt.HasEvalWeights() {
		heap += e.paramBytes()
	}
	if r.trainer.opt.Undoable() { // weights and state are shared with a program, as are copies of gradients, and kept twice
		inHeap, shared = r.trainer.opt.average.bytes(), e.paramBytes()
		heap += e.paramBytes() + p.State
	}
	p.Go = int64(m.Sys-m.HeapSys) + runtimeGrowth + heap + max(leastGarbage, heap/garbageShare, largest)
	p.Process = p.Go - p.Data - inHeap - p.Scratch + shared + memory.Now().Files + codeGrowth
	e.elsewhere = p.Total() - p.Compute - params
	if limit := e.o.MaxBytes; limit > 0 && p.Total() > limit {
		smaller := "a smaller --batch, --recompute"
		if e.o.Recompute {
			smaller = "a smaller --batch"
		}
		return p, failf(Resources, "the run takes %d bytes (%d for activations, gradients and scratch, %d for the optimizer, %d of data, %d of "+
			"the program, weights and garbage), the limit is %d; use %s or an optimizer with less state, or raise --max-memory",
			p.Total(), p.Compute, p.State+p.Scratch, p.Data, p.Process, limit, smaller)
	}
	return p, nil
}

// scratch is what updates take besides state: those of the largest parameters one after the other, or of as many as there
// are threads side by side. largest is that of one, which is made twice at the first step: in pieces, and then as a whole.
// An optimizer that does not say counts as none.
func (o *optimizer) scratch(threads int) (n, largest int64) {
	costs, _, err := registry.Costs(o.groups[0].opt, o.Params)
	if err != nil {
		return 0, 0 // such settings are refused elsewhere
	}
	var each []int64
	for _, c := range costs {
		each = append(each, c.Scratch)
	}
	slices.Sort(each)
	for _, b := range each[max(len(each)-threads, 0):] {
		n, largest = n+b, b
	}
	return n, largest
}

// compileAll compiles the programs for every batch size that comes up in training and evaluation.
func (r *run) compileAll() error {
	s, batch := r.s, r.s.Config.Batch
	counts := batchSizes(s.Train.Len(), batch)
	if r.total < r.updates {
		counts = counts[:1] // the short batch at the end of an epoch is not reached
	}
	for _, n := range counts {
		if _, err := s.Engine.Program(n, true); err != nil {
			return err
		}
	}
	if s.Val == nil {
		return nil
	}
	for _, n := range batchSizes(s.Val.Len(), batch) {
		if _, err := s.Engine.program(fieldTypes(s.Val.Fields(), n), false); err != nil {
			return err
		}
	}
	return nil
}

// batchSizes are the sizes of the batches of an epoch: full ones and a short one at its end.
func batchSizes(examples, batch int) []int {
	var sizes []int
	if examples >= batch {
		sizes = append(sizes, batch)
	}
	if rest := examples % batch; rest > 0 {
		sizes = append(sizes, rest)
	}
	return sizes
}

// batchBytes is the memory of batches: those read ahead and those of a step, for training and evaluation.
func (r *run) batchBytes() int64 {
	c := &r.s.Config
	ahead := int64(c.Workers + 1)
	n := (ahead + int64(c.Accumulate)) * exampleBytes(r.s.Train)
	if r.s.Val != nil {
		n += (ahead + 1) * exampleBytes(r.s.Val)
	}
	return n * int64(c.Batch)
}

func exampleBytes(d data.Dataset) int64 {
	n := int64(0)
	for _, f := range d.Fields() {
		n += int64(f.Shape.Elems() * f.DType.Size())
	}
	return n
}

// paramBytes is the size of the parameters.
func (e *Engine) paramBytes() int64 {
	n := int64(0)
	for _, v := range e.Values {
		n += int64(len(v.Data))
	}
	return n
}

// writing is what writing the model's file takes: its bytes and the tensors decoded from them.
func (e *Engine) writing() int64 {
	n := int64(0)
	for _, w := range e.memory {
		n += int64(len(w.Data))
	}
	return 2 * n
}

// room is what a further program may take, with the parameters, which all share; 0 for no limit.
func (e *Engine) room() int64 {
	if e.o.MaxBytes <= 0 {
		return 0
	}
	left := e.o.MaxBytes - e.elsewhere
	for _, p := range e.programs {
		m := p.Memory()
		left -= m.ArenaBytes + m.ScratchBytes
	}
	return max(left, 1)
}
