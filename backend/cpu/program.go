package cpu

import (
	"fmt"
	"slices"

	"github.com/onnxtrain/onnxtrain/backend"
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() { backend.Register("cpu", engine{}) }

type engine struct{}

// program implements backend.Program.
type program struct {
	steps   []step
	tensors []*tensor.Tensor // by value ID
	visible []bool           // by value ID: whether Tensor shows it
	updates []update
	plan    backend.Plan
	memory  []byte
	inArena []*tensor.Tensor // the tensors over memory
	kernels map[*graph.Node]string
}

// step is a node with its pointers resolved; run is nil for views, which share their input's memory, and where there is nothing to compute.
type step struct {
	node   *graph.Node
	kernel string
	run    func() error
}

// update copies from into to at Commit. An update that reads another state goes through stage, so that states can be
// exchanged.
type update struct{ to, from, stage []byte }

// Compile implements backend.Backend.
func (engine) Compile(g *graph.Graph, o backend.Options) (backend.Program, error) {
	for _, n := range g.Nodes {
		for _, v := range slices.Concat(n.In, n.Out) {
			if v != nil && !v.Type.Static() {
				return nil, graph.Errorf(n, "value %q has type %v; bind and infer the graph before compiling it", v.Name, v.Type)
			}
		}
	}
	if err := fitsAtAll(g, o.MaxBytes); err != nil {
		return nil, err
	}
	r := recompute(g, o)
	g = r.Graph
	chosen := chooseKernels(g, o)
	l := makeLayout(g, o, chosen)
	p := &program{
		tensors: make([]*tensor.Tensor, len(g.Values)),
		visible: make([]bool, len(g.Values)),
		kernels: make(map[*graph.Node]string, len(g.Nodes)),
	}
	scratch := 0
	for i, n := range g.Nodes {
		if k := chosen[i]; k != nil && k.Scratch != nil {
			scratch = max(scratch, align(k.Scratch(n, o.Pool.Threads())))
		}
	}
	p.plan = backend.Plan{ArenaBytes: int64(l.arena), ScratchBytes: int64(scratch), NoReuseBytes: int64(l.naive)}
	for _, v := range g.Values {
		if external(v) {
			p.plan.ParamBytes += int64(bytesOf(v.Type))
		}
	}
	if o.MaxBytes > 0 && p.plan.Total() > o.MaxBytes {
		return nil, fmt.Errorf("%w: it takes %d bytes (%d of parameters, %d of activations, %d of scratch), the limit is %d; use a smaller --batch",
			backend.ErrTooLarge, p.plan.Total(), p.plan.ParamBytes, p.plan.ArenaBytes, p.plan.ScratchBytes, o.MaxBytes)
	}
	var err error
	if p.memory, err = reserve(l.arena + scratch); err != nil {
		return nil, fmt.Errorf("%w; use a smaller --batch", err)
	}
	if err := p.setUp(r, o, l, chosen, scratch); err != nil {
		_ = p.Close() // the first error is the one to tell
		return nil, err
	}
	return p, nil
}

// chooseKernels picks the best kernel of each node, nil where the reference runs it.
func chooseKernels(g *graph.Graph, o backend.Options) []*Kernel {
	chosen := make([]*Kernel, len(g.Nodes))
	for i, n := range g.Nodes {
		switch {
		case op.Empty(n):
		case n.Op == again:
			chosen[i] = &computeAgain
		case !o.Reference:
			chosen[i] = kernelFor(n)
		case hasHalf(n):
			chosen[i] = throughFloat32(reference, inFloat32(n))
		}
	}
	return chosen
}

// reference runs a node on its operator's float64 reference.
var reference = Kernel{
	Name: "reference",
	Bind: func(n *graph.Node, in, out []*tensor.Tensor, _ Scratch) (func() error, error) {
		def, err := op.Of(n)
		return func() error {
			// The reference may count on zeros, as freshly made tensors have.
			for _, t := range out {
				if t != nil {
					clear(t.Data)
				}
			}
			return def.Eval(n, in, out)
		}, err
	},
}

// copyView runs a view that must not share its input's memory, or cannot.
var copyView = Kernel{
	Name: "copy",
	Bind: func(_ *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
		if in[0].DType != out[0].DType {
			return bindConvert(s, out[0], in[0]), nil
		}
		return func() error { copy(out[0].Data, in[0].Data); return nil }, nil
	},
}

func (p *program) setUp(g recomputed, o backend.Options, l *layout, chosen []*Kernel, scratch int) error {
	for _, v := range g.Values {
		p.visible[v.ID] = v.Kind != graph.Computed
		if external(v) {
			t, err := initial(v, o)
			if err != nil {
				return err
			}
			p.tensors[v.ID] = t
		}
	}
	for _, v := range g.Values {
		if home := l.home[v.ID]; home != nil && !external(v) {
			p.tensors[v.ID] = p.view(v, home, l)
		}
	}
	for _, v := range slices.Concat(g.Outputs, o.Keep) {
		p.visible[v.ID] = true
	}
	for i, n := range g.Nodes {
		s, err := p.bind(n, chosen[i], l, Scratch{Pool: o.Pool, Mem: p.memory[l.arena : l.arena+scratch]})
		if err != nil {
			return graph.At(n, err)
		}
		s.node = g.node(n)
		p.steps = append(p.steps, s)
		p.kernels[s.node] = s.kernel
	}
	for _, u := range g.Updates {
		p.visible[u.Value.ID] = true
		c := update{to: p.tensors[u.State.ID].Data, from: p.tensors[u.Value.ID].Data}
		if l.home[u.Value.ID].Kind == graph.State {
			c.stage = make([]byte, len(c.from))
		}
		p.updates = append(p.updates, c)
	}
	return nil
}

// view makes the tensor of v over the memory of its home.
func (p *program) view(v, home *graph.Value, l *layout) *tensor.Tensor {
	if external(home) {
		return p.tensors[home.ID].Reshape(v.Type.Shape...)
	}
	from, size := l.blocks[home].offset, bytesOf(v.Type)
	t := &tensor.Tensor{DType: v.Type.DType, Shape: v.Type.Shape.Clone(), Data: p.memory[from : from+size : from+size]}
	p.inArena = append(p.inArena, t)
	return t
}

// initial is the memory of a parameter, state or constant.
func initial(v *graph.Value, o backend.Options) (*tensor.Tensor, error) {
	if v.Kind == graph.Const {
		return v.Init, nil
	}
	if o.Memory != nil {
		if t := o.Memory(v); t != nil {
			if t.DType != v.Type.DType || !t.Shape.Equal(v.Type.Shape) {
				return nil, fmt.Errorf("%v %q has type %v, the memory given for it %v", v.Kind, v.Name, v.Type, t)
			}
			return t, nil
		}
	}
	return v.Init.Clone(), nil
}

// bind resolves a node's pointers for the kernel, or for the reference when there is none.
func (p *program) bind(n *graph.Node, k *Kernel, l *layout, s Scratch) (step, error) {
	in, out := p.of(n.In), p.of(n.Out)
	if op.IsView(n) && l.home[n.Out[0].ID] == l.home[n.In[0].ID] {
		return step{node: n, kernel: "view"}, nil
	}
	if op.Empty(n) {
		return step{node: n, kernel: "nothing"}, nil
	}
	if k == nil {
		k = &reference
	}
	s.Mem = s.Mem[:0]
	if k.Scratch != nil {
		s.Mem = s.Mem[:k.Scratch(n, s.Pool.Threads())]
	}
	run, err := k.Bind(n, in, out, s)
	return step{n, k.Name, run}, err
}

func (p *program) of(values []*graph.Value) []*tensor.Tensor {
	ts := make([]*tensor.Tensor, len(values))
	for i, v := range values {
		if v != nil {
			ts[i] = p.tensors[v.ID]
		}
	}
	return ts
}
