package onnxfile

import (
	"slices"
	"sync"

	"github.com/onnxtrain/onnxtrain/backend/cpu"
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// loop is the body of a unit that works element by element, over the memory of parameters, gradients and slots themselves.
type loop struct {
	*cpu.Fused
	slots []int // by array behind those of the parameter and the gradient: of those that are kept
	// pure heads compute the same for all parameters of a step: they see no slot.
	pure bool
}

// loop fuses the body of a unit that is still whole; nil where it must run node by node.
func (f *file) loop(u *unit, depends []bool) *loop {
	if f.plain || !f.separate(u.body, depends) {
		return nil
	}
	l := &loop{pure: true}
	arrays := []cpu.Array{f.array(u.body, "param", -1), {In: input(u.body, "grad")}}
	kept := 0
	for i, s := range f.slots {
		if !u.kept[i] {
			continue
		}
		if f.perElement(s.name) {
			l.slots = append(l.slots, kept)
			arrays = append(arrays, f.array(u.body, s.name, i))
		} else {
			l.pure = false
		}
		kept++
	}
	var err error
	if l.Fused, err = cpu.Fuse(u.body.Nodes, arrays); err != nil {
		return nil
	}
	return l
}

// array is what a parameter or slot, -1 or its index, is before and after the update.
func (f *file) array(g *graph.Graph, name string, slot int) cpu.Array {
	return cpu.Array{In: input(g, name), Out: g.Outputs[slices.Index(f.outputs, slot)]}
}

func input(g *graph.Graph, name string) *graph.Value {
	if i := slices.IndexFunc(g.Inputs, func(v *graph.Value) bool { return v.Name == name }); i >= 0 {
		return g.Inputs[i]
	}
	return nil
}

// moment is what the scalars of a pure head depend on besides the optimizer's settings.
type moment struct {
	lr, decay   float64
	step, terms int
}

// settled holds the numbers that loops read, for the moments of the latest steps: parameters that are updated alike share
// them.
type settled struct {
	mu      sync.Mutex
	numbers map[moment][]float32
}

// momentsKept bounds settled: a step has several moments when groups or layers have learning rates of their own.
const momentsKept = 256

func (s *settled) at(m moment, compute func() ([]float32, error)) ([]float32, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.numbers[m]; ok {
		return known, nil
	}
	made, err := compute()
	if err != nil {
		return nil, err
	}
	if len(s.numbers) >= momentsKept {
		clear(s.numbers)
	}
	s.numbers[m] = made
	return made, nil
}

// sweep updates a parameter by its loop.
func (p *plan) sweep(o *optimizer, c registry.Context, to *registry.Param) error {
	compute := func() ([]float32, error) { return p.unit.numbers(o, c, to) }
	var numbers []float32
	var err error
	if p.unit.loop.pure {
		numbers, err = p.settled.at(moment{c.LR, c.WeightDecay, to.Step, c.LossTerms}, compute)
	} else {
		numbers, err = compute()
	}
	if err != nil {
		return err
	}
	s, _ := sweeps.Get().(*sweep)
	if s == nil {
		s = &sweep{}
		s.part = func(_, lo, hi int) { s.loop.Run(s.arrays, s.numbers, lo, hi) }
	}
	s.loop, s.numbers = p.unit.loop, numbers
	s.arrays = append(s.arrays[:0], to.Value.F32(), to.Grad.F32())
	for _, i := range p.unit.loop.slots {
		s.arrays = append(s.arrays, to.Slots[i].F32())
	}
	c.For(to.Info.Shape.Elems(), grain, s.part)
	clear(s.arrays)
	s.loop, s.numbers = nil, nil
	sweeps.Put(s)
	return nil
}

// grain is the chunk of a parameter that one thread works on.
const grain = 16384

// sweep is an update by a loop in progress, kept with its loop body, so that updates allocate nothing.
type sweep struct {
	loop    *loop
	arrays  [][]float32
	numbers []float32
	part    func(worker, lo, hi int)
}

var sweeps sync.Pool

// numbers runs the head, which also updates slots that are scalars, and returns what the loop reads of it.
func (u *unit) numbers(o *optimizer, c registry.Context, p *registry.Param) ([]float32, error) {
	w := &work{o: o, c: c, p: p, tensors: o.tensors(u, p)}
	head, err := w.head(u)
	if err != nil {
		return nil, err
	}
	defer u.giveBack(headHalf, head)
	var numbers []float32
	for _, v := range u.loop.Scalars() {
		numbers = append(numbers, asNumber(head.Tensor(u.head.Values[v.ID])))
	}
	w.fetch(u, headHalf, head, 0)
	return numbers, nil
}

// asNumber reads a float32 or truth value.
func asNumber(t *tensor.Tensor) float32 {
	if t.DType == tensor.Bool {
		return float32(t.Data[0])
	}
	return t.F32()[0]
}
