package onnxload

import (
	"errors"
	"fmt"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/onnxload/internal/onnxpb"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// builder makes a graph of a GraphProto.
type builder struct {
	m      *Model
	outer  *builder // of the graph around a subgraph
	g      *graph.Graph
	values map[string]*graph.Value
	bad    map[string]error // initializers of types that are not supported
}

// build makes the graph; captures are the names that a subgraph takes from around it.
func (b *builder) build(p *onnxpb.GraphProto, captures []string) (*graph.Graph, error) {
	b.g = graph.New(p.GetName())
	b.g.File, b.g.Opset = b.m.Path, b.m.Opset
	b.values, b.bad = map[string]*graph.Value{}, map[string]error{}
	if err := b.inputs(p); err != nil {
		return nil, err
	}
	b.capture(p, captures)
	if err := b.initializers(p); err != nil {
		return nil, err
	}
	b.transposes()
	nodes, err := b.outputs(p)
	if err != nil {
		return nil, err
	}
	for i, n := range nodes {
		if err := b.wire(n, p.Node[i]); err != nil {
			return nil, graph.At(n, err)
		}
	}
	if err := b.results(p); err != nil {
		return nil, err
	}
	return b.g, b.g.Sort()
}

// inputs adds the inputs that are not initializers with default values.
func (b *builder) inputs(p *onnxpb.GraphProto) error {
	initialized := map[string]bool{}
	for _, t := range p.Initializer {
		initialized[t.GetName()] = true
	}
	for _, t := range p.SparseInitializer {
		initialized[t.GetValues().GetName()] = true
	}
	for i, v := range p.Input {
		name := v.GetName()
		switch {
		case name == "":
			return fmt.Errorf("input %d has no name", i)
		case initialized[name] && b.outer == nil:
			continue
		case b.values[name] != nil:
			return fmt.Errorf("there are two inputs %q", name)
		}
		t, symbols, err := b.typeOf(v.Type)
		if err == nil && t.DType == tensor.Invalid && b.outer == nil {
			err = errors.New("it has no element type")
		}
		if err != nil {
			return fmt.Errorf("input %q: %w", name, err)
		}
		b.values[name] = b.g.NewValue(name, graph.Input, t)
		b.values[name].Symbols = symbols
		b.g.Inputs = append(b.g.Inputs, b.values[name])
	}
	return nil
}

// capture adds the values that the subgraph's node takes from around it. Other subgraphs of the node may take what this
// one has a value of its own for; that capture is not read here.
func (b *builder) capture(p *onnxpb.GraphProto, captures []string) {
	if len(captures) == 0 {
		return
	}
	own := map[string]bool{}
	for _, name := range definitions(p) {
		own[name] = true
	}
	for _, name := range captures {
		outer, _ := b.outer.lookup(name)
		if own[name] {
			b.g.NewValue("", graph.Input, outer.Type)
			continue
		}
		b.values[name] = b.g.NewValue(name, graph.Input, outer.Type)
		b.values[name].Symbols = outer.Symbols
	}
}

func (b *builder) initializers(p *onnxpb.GraphProto) error {
	fixed := fixedInitializers(p)
	add := func(name string, t loaded) error {
		switch {
		case name == "":
			return fmt.Errorf("an initializer %v has no name", t.Tensor)
		case b.values[name] != nil || b.bad[name] != nil:
			return fmt.Errorf("initializer %q has the name of another value", name)
		case t.err != nil:
			b.bad[name] = t.err
		default:
			b.values[name] = b.g.NewConst(name, t.Tensor)
			b.values[name].Fixed = fixed[name]
		}
		return nil
	}
	for _, t := range p.Initializer {
		if b.outer == nil && b.m.transposed[t.GetName()] != "" {
			continue
		}
		if err := add(t.GetName(), b.m.tensors[t]); err != nil {
			return err
		}
	}
	for _, t := range p.SparseInitializer {
		if err := add(t.GetValues().GetName(), b.m.sparse[t]); err != nil {
			return err
		}
	}
	return nil
}

// outputs makes the nodes with their outputs, which others may read in any order.
func (b *builder) outputs(p *onnxpb.GraphProto) ([]*graph.Node, error) {
	nodes := make([]*graph.Node, len(p.Node))
	for i, np := range p.Node {
		n := &graph.Node{Name: np.GetName(), Op: graph.OpID{Domain: domainOf(np.GetDomain()), Type: np.GetOpType()}}
		if n.Name == "" {
			n.Name = fmt.Sprintf("%s_%d", n.Op.Type, i)
		}
		opset := b.m.Opset
		if f := b.m.scope[np]; f != nil {
			opset = f.opset
		}
		n.Op.Since = opset[n.Op.Domain]
		switch {
		case n.Op.Type == "":
			return nil, graph.Errorf(n, "it names no operator")
		case n.Op.Since == 0:
			return nil, graph.Errorf(n, "no opset of domain %q is imported", n.Op.Domain)
		case !slices.ContainsFunc(np.Output, func(name string) bool { return name != "" }):
			return nil, graph.Errorf(n, "it has no output")
		}
		for k, name := range np.Output {
			var v *graph.Value
			if name != "" {
				if b.values[name] != nil || b.bad[name] != nil {
					return nil, graph.Errorf(n, "output %d, %q, is already the name of another value", k, name)
				}
				v = b.g.NewValue(name, graph.Computed, graph.Type{})
				b.values[name] = v
			}
			n.Out = append(n.Out, v)
		}
		nodes[i] = b.g.AddNode(n)
	}
	return nodes, nil
}

// wire sets a node's inputs and attributes.
func (b *builder) wire(n *graph.Node, p *onnxpb.NodeProto) error {
	for i, name := range p.Input {
		v, err := b.lookup(name)
		if err != nil {
			return fmt.Errorf("input %d, %q: %w", i, name, err)
		}
		n.In = append(n.In, v)
	}
	captures := b.m.free[p]
	for _, name := range captures {
		v, err := b.lookup(name)
		if err != nil {
			return fmt.Errorf("its subgraph reads %q: %w", name, err)
		}
		n.In = append(n.In, v)
	}
	attrs, err := b.attributes(p, captures)
	if err == nil {
		err = checkAttributes(n.Op, attrs)
	}
	if err != nil {
		// An error inside a subgraph names a node already; this one is wanted too.
		return &graph.Error{Node: n, Err: err}
	}
	n.Attrs = attrs
	return nil
}

// lookup finds a value; the empty name is an absent one.
func (b *builder) lookup(name string) (*graph.Value, error) {
	switch v, err := b.values[name], b.bad[name]; {
	case v != nil || name == "":
		return v, nil
	case err != nil:
		return nil, err
	default:
		return nil, errors.New("no input, initializer or node of the graph has that name")
	}
}

func (b *builder) sub(p *onnxpb.GraphProto, captures []string) (*graph.Graph, error) {
	return (&builder{m: b.m, outer: b}).build(p, captures)
}

// results adds the graph's outputs with the types that the file declares.
func (b *builder) results(p *onnxpb.GraphProto) error {
	if len(p.Output) == 0 && b.outer == nil {
		return errors.New("the graph has no output")
	}
	for i, o := range p.Output {
		name := o.GetName()
		v, err := b.lookup(name)
		if v == nil && err == nil {
			return fmt.Errorf("output %d has no name", i)
		}
		if err != nil {
			return fmt.Errorf("output %q: %w", name, err)
		}
		t, symbols, err := b.typeOf(o.Type)
		if err != nil {
			return fmt.Errorf("output %q: %w", name, err)
		}
		if v.Kind == graph.Computed {
			v.Type, v.Symbols = t, symbols
		}
		b.g.Outputs = append(b.g.Outputs, v)
	}
	return nil
}

// typeOf converts a declared type. In subgraphs it is open for sequences, which passes follow to their tensors.
func (b *builder) typeOf(p *onnxpb.TypeProto) (graph.Type, []string, error) {
	if _, sequence := p.GetValue().(*onnxpb.TypeProto_SequenceType); sequence && b.outer != nil {
		return graph.Type{}, nil, nil
	}
	return typeOf(p)
}
