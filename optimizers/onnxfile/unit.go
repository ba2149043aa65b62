package onnxfile

import (
	"fmt"
	"slices"
	"sync"

	"github.com/onnxtrain/onnxtrain/backend"
	_ "github.com/onnxtrain/onnxtrain/backend/cpu" // runs the graphs
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// unit is the graph for one shape, cut in two: head computes what does not depend on elements, once an update, body the
// rest, as one loop or once a block. Of a graph that is not blockwise all is body.
type unit struct {
	head, body *graph.Graph
	links      []link
	blockwise  bool
	loop       *loop    // the body, unless it runs node by node
	kept       []bool   // by slot
	outputs    [2][]int // of head and body, as file.outputs
	maxBytes   int64

	mu   sync.Mutex
	free [2][]*program // of head and body
}

// link is a value of head that body reads.
type link struct{ from, to *graph.Value }

// program is a compiled half with the memory of its inputs and outputs.
type program struct {
	backend.Program
	graph  *graph.Graph
	pool   *par.Pool
	inputs map[string]*tensor.Tensor
	fed    map[string]float64 // what the scalars of the last run were
}

const (
	headHalf = iota
	bodyHalf
)

func (f *file) newUnit(view tensor.Shape, p registry.ParamInfo, fixed map[string]*tensor.Tensor) (*unit, error) {
	var halves [2]*graph.Graph
	for i := range halves {
		var err error
		if halves[i], err = f.graph(view, p, fixed); err != nil {
			return nil, err
		}
	}
	u := &unit{head: halves[headHalf], body: halves[bodyHalf], kept: f.kept(halves[bodyHalf])}
	u.maxBytes = 1<<30 + 64*int64(view.Elems()*p.DType.Size())
	depends := f.dependent(u.body)
	u.loop = f.loop(u, depends)
	if u.blockwise = u.loop != nil || f.blockwise(u.body, view, depends); !u.blockwise {
		for i := range depends {
			depends[i] = true
		}
	}
	u.split(depends, f.outputs)
	// A graph that does not compile is better known before the first step.
	for half := range halves {
		if half == bodyHalf && u.loop != nil {
			continue
		}
		p, err := u.borrow(half, nil)
		if err != nil {
			return nil, f.about(err)
		}
		u.giveBack(half, p)
	}
	return u, nil
}

// split takes from each half the nodes of the other one. Both have the same values in the same order.
func (u *unit) split(depends []bool, outputs []int) {
	of := func(n *graph.Node) bool {
		return slices.ContainsFunc(n.Out, func(v *graph.Value) bool { return v != nil && depends[v.ID] })
	}
	linked := make([]bool, len(depends))
	for _, n := range u.body.Nodes {
		for _, v := range n.In {
			if v != nil && of(n) && !depends[v.ID] && v.Kind != graph.Const && !linked[v.ID] {
				linked[v.ID] = true
				u.links = append(u.links, link{u.head.Values[v.ID], v})
			}
		}
	}
	u.head.Inputs = slices.DeleteFunc(u.head.Inputs, func(v *graph.Value) bool { return depends[v.ID] })
	u.head.RemoveNodes(of)
	u.body.RemoveNodes(func(n *graph.Node) bool { return !of(n) })
	all := u.body.Outputs
	u.head.Outputs, u.body.Outputs = nil, nil
	for i, v := range all {
		if depends[v.ID] {
			u.body.Outputs, u.outputs[bodyHalf] = append(u.body.Outputs, v), append(u.outputs[bodyHalf], outputs[i])
		} else {
			u.head.Outputs, u.outputs[headHalf] = append(u.head.Outputs, u.head.Values[v.ID]), append(u.outputs[headHalf], outputs[i])
		}
	}
	for _, l := range u.links {
		if l.from.Kind == graph.Computed {
			u.head.Outputs = append(u.head.Outputs, l.from)
		}
		if l.to.Kind != graph.Input {
			l.to.Kind, l.to.Producer = graph.Input, nil
			u.body.Inputs = append(u.body.Inputs, l.to)
		}
	}
}

// borrow takes a program that is not in use, or compiles one.
func (u *unit) borrow(half int, pool *par.Pool) (*program, error) {
	if u.blockwise {
		pool = nil // blocks are what runs in parallel
	}
	u.mu.Lock()
	free := u.free[half]
	at := slices.IndexFunc(free, func(p *program) bool { return p.pool == pool })
	if at >= 0 {
		p := free[at]
		free[at] = free[len(free)-1]
		u.free[half] = free[:len(free)-1]
		u.mu.Unlock()
		return p, nil
	}
	u.mu.Unlock()
	cpu, err := backend.Lookup("cpu")
	if err != nil {
		return nil, err
	}
	p := &program{graph: u.head, pool: pool, inputs: map[string]*tensor.Tensor{}, fed: map[string]float64{}}
	if half == bodyHalf {
		p.graph = u.body
	}
	if p.Program, err = cpu.Compile(p.graph, backend.Options{Pool: pool, MaxBytes: u.maxBytes}); err != nil {
		return nil, fmt.Errorf("the optimizer's graph: %w", err)
	}
	for _, v := range p.graph.Inputs {
		if t := p.Tensor(v); t != nil {
			p.inputs[v.Name] = t
		}
	}
	return p, nil
}

func (u *unit) giveBack(half int, p *program) {
	u.mu.Lock()
	u.free[half] = append(u.free[half], p)
	u.mu.Unlock()
}

// shelf holds a file's units by what they are for.
type shelf struct {
	mu    sync.Mutex
	units map[string]*unit
}

// get finds a unit or makes it.
func (s *shelf) get(key string, make func() (*unit, error)) (*unit, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.units[key]; u != nil {
		return u, nil
	}
	u, err := make()
	if err == nil {
		s.units[key] = u
	}
	return u, err
}

func (s *shelf) close() {
	for _, u := range s.units {
		for _, half := range u.free {
			for _, p := range half {
				_ = p.Close() // nobody is left to be told
			}
		}
	}
}
