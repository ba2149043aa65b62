package onnxgo

import (
	"context"
	"errors"
	"fmt"

	"github.com/onnxtrain/onnxtrain/backend"
	_ "github.com/onnxtrain/onnxtrain/backend/cpu" // the engine
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/pass"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// program is a compiled model for the types of the inputs of a run.
type program struct {
	backend.Program
	key    string
	inputs map[*Node]*graph.Value
	// bound inputs are constants of the program: what it computes depends on their elements' values, such as shapes.
	bound   bool
	results map[*Node]*graph.Value
	rng     *graph.Value
}

// Run implements backend.ComputationBackend: it computes the results of all nodes that the file lists as an output, or
// that no operator reads.
func (b *Backend) Run() error {
	fed := map[*Node]*tensor.Tensor{}
	key := ""
	for _, n := range b.nodes {
		if n.fed {
			t, err := fromGorgonia(n.value)
			if err != nil {
				return fmt.Errorf("onnxgo: input %q: %w", n.name, err)
			}
			fed[n] = t
			key += fmt.Sprintf("%d %v;", n.id, t)
		}
	}
	if p := b.program; p == nil || p.key != key || p.bound {
		if p != nil {
			b.program = nil
			if err := p.Close(); err != nil {
				return err
			}
		}
		p, err := b.compile(fed)
		if err != nil {
			return fmt.Errorf("onnxgo: %w", err)
		}
		p.key, b.program = key, p
	}
	return b.execute(fed)
}

// compile builds a program. Where it does not build with all inputs open, integers are bound to their values, and then
// all inputs.
func (b *Backend) compile(fed map[*Node]*tensor.Tensor) (*program, error) {
	var first error
	for _, bind := range []func(*tensor.Tensor) bool{
		func(*tensor.Tensor) bool { return false },
		func(t *tensor.Tensor) bool { return !t.DType.IsFloat() },
		func(*tensor.Tensor) bool { return true },
	} {
		p, err := b.compileWith(fed, bind)
		if err == nil {
			return p, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

func (b *Backend) compileWith(fed map[*Node]*tensor.Tensor, bind func(*tensor.Tensor) bool) (*program, error) {
	g, values, err := b.graph(fed, bind)
	if err != nil {
		return nil, err
	}
	p := &program{inputs: map[*Node]*graph.Value{}, results: map[*Node]*graph.Value{}}
	var results []*Node
	for _, n := range b.nodes {
		v := values[n]
		switch {
		case v == nil:
		case v.Kind == graph.Input:
			p.inputs[n] = v
		case n.computed && (n.declared || !n.read):
			g.Outputs = append(g.Outputs, v)
			results = append(results, n)
		}
		p.bound = p.bound || fed[n] != nil && v != nil && v.Kind == graph.Const
	}
	built, err := pass.Build(g, pass.Options{Loss: pass.Loss{Kind: "none"}, Literal: true})
	if err != nil {
		return nil, err
	}
	for i, n := range results {
		p.results[n] = g.Outputs[i]
	}
	p.rng = built.RNG
	engine, err := backend.Lookup("cpu")
	if err != nil {
		return nil, err
	}
	p.Program, err = engine.Compile(g, backend.Options{Pool: b.pool})
	return p, err
}

// graph makes the engine's graph, with a value for every node that is not absent. Inputs that bind is true for are
// constants.
func (b *Backend) graph(fed map[*Node]*tensor.Tensor, bind func(*tensor.Tensor) bool) (*graph.Graph, map[*Node]*graph.Value, error) {
	g := graph.New("onnx-go")
	g.Opset[""] = b.opset
	values := map[*Node]*graph.Value{}
	for _, n := range b.nodes {
		switch t := fed[n]; {
		case n.name == "": // an optional input or output that is absent
		case n.computed:
			values[n] = g.NewValue(n.name, graph.Computed, graph.Type{})
		case t != nil && !bind(t):
			values[n] = g.NewValue(n.name, graph.Input, graph.Type{DType: t.DType, Shape: t.Shape})
			g.Inputs = append(g.Inputs, values[n])
		case n.value != nil:
			t, err := fromGorgonia(n.value)
			if err != nil {
				return nil, nil, fmt.Errorf("initializer %q: %w", n.name, err)
			}
			values[n] = g.NewConst(n.name, t)
		}
	}
	for i, c := range b.calls {
		n := &graph.Node{Name: fmt.Sprintf("%s_%d", c.operation.Name, i)}
		n.Op = graph.OpID{Domain: c.domain, Type: c.operation.Name, Since: b.opset}
		if c.domain != "" {
			n.Op.Since = 1
		}
		for _, in := range c.in {
			n.In = append(n.In, values[in])
		}
		// An operator without inputs has one here that has no value.
		for len(n.In) > 0 && n.In[len(n.In)-1] == nil {
			n.In = n.In[:len(n.In)-1]
		}
		for _, out := range c.out {
			n.Out = append(n.Out, values[out])
		}
		var err error
		if n.Attrs, err = attributes(c.operation.Attributes); err != nil {
			return nil, nil, graph.At(n, err)
		}
		g.AddNode(n)
	}
	return g, values, g.Sort()
}

// execute feeds the program, runs it and hands out the results.
func (b *Backend) execute(fed map[*Node]*tensor.Tensor) error {
	p := b.program
	for n, v := range p.inputs {
		if dst := p.Tensor(v); dst != nil {
			copy(dst.Data, fed[n].Data)
		}
	}
	if p.rng != nil {
		copy(p.Tensor(p.rng).I64(), []int64{0, b.runs})
	}
	b.runs++
	if err := p.Run(context.Background()); err != nil {
		return fmt.Errorf("onnxgo: %w", err)
	}
	var failed error
	for _, n := range b.nodes {
		v := p.results[n]
		if v == nil {
			continue
		}
		t, err := toGorgonia(p.Tensor(v))
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("onnxgo: output %q: %w", n.name, err))
		}
		n.value = t
	}
	return failed
}
