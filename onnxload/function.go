package onnxload

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/onnxtrain/onnxtrain/onnxload/internal/onnxpb"
)

// Functions may call functions; these bound what a small file can expand to.
const (
	maxCalls         = 64      // functions in functions
	maxExpandedBytes = 1 << 27 // a hundred thousand nodes and more
)

// function is a model-local function with the opsets that its nodes are of.
type function struct {
	*onnxpb.FunctionProto
	opset map[string]int
}

// signature is what a node names a function by.
type signature struct{ domain, name, overload string }

func (s signature) String() string {
	name := s.name
	if s.domain != "" {
		name = s.domain + "::" + s.name
	}
	if s.overload != "" {
		name += ":" + s.overload
	}
	return name
}

func signatureOf(n *onnxpb.NodeProto) signature {
	return signature{domainOf(n.GetDomain()), n.GetOpType(), n.GetOverload()}
}

// expander replaces calls of functions by copies of the functions' nodes. Names inside a copy are prefixed by the
// calling node's.
type expander struct {
	m         *Model
	functions map[signature]*function
	names     map[string]int // of all values of the model, each with the last number that was appended to it, at least 1
	calling   []signature
	bytes     int // of what was created
}

// expand sets m.flat and m.scope.
func (m *Model) expand() error {
	m.flat, m.scope = m.proto.Graph, map[*onnxpb.NodeProto]*function{}
	if len(m.proto.Functions) == 0 {
		return nil
	}
	x := &expander{m: m, functions: map[signature]*function{}, names: map[string]int{}}
	for _, f := range m.proto.Functions {
		s := signature{domainOf(f.GetDomain()), f.GetName(), f.GetOverload()}
		if s.name == "" {
			return errors.New("a function has no name")
		}
		opset, err := importedOpsets(f.OpsetImport)
		if err != nil {
			return fmt.Errorf("function %v: %w", s, err)
		}
		if x.functions[s] != nil {
			return fmt.Errorf("function %v is defined twice", s)
		}
		x.functions[s] = &function{f, opset}
	}
	x.collect(m.proto.Graph)
	var err error
	m.flat, err = x.graph(m.proto.Graph, &env{})
	return err
}

// collect notes all names of values in a graph and its subgraphs.
func (x *expander) collect(g *onnxpb.GraphProto) {
	for _, name := range definitions(g) {
		x.names[name] = 1
	}
	for _, n := range g.Node {
		for _, a := range n.Attribute {
			for _, sub := range attributeGraphs(a) {
				x.collect(sub)
			}
		}
	}
}

// definitions are the names that a graph itself gives to values.
func definitions(g *onnxpb.GraphProto) []string {
	var names []string
	for _, v := range g.Input {
		names = append(names, v.GetName())
	}
	for _, t := range g.Initializer {
		names = append(names, t.GetName())
	}
	for _, t := range g.SparseInitializer {
		names = append(names, t.GetValues().GetName())
	}
	for _, n := range g.Node {
		names = append(names, n.Output...)
	}
	return names
}

// list appends copies of nodes, with calls expanded.
func (x *expander) list(out, nodes []*onnxpb.NodeProto, e *env) ([]*onnxpb.NodeProto, error) {
	for i, n := range nodes {
		c, err := x.node(n, i, e)
		if err != nil {
			return nil, err
		}
		if f := x.functions[signatureOf(c)]; f != nil {
			out, err = x.call(out, c, f)
		} else {
			out = append(out, c)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// call appends the nodes of f in place of the node n that calls it, which is already in its caller's names.
func (x *expander) call(out []*onnxpb.NodeProto, n *onnxpb.NodeProto, f *function) ([]*onnxpb.NodeProto, error) {
	s := signatureOf(n)
	if slices.Contains(x.calling, s) || len(x.calling) == maxCalls {
		var chain []string
		for _, c := range append(x.calling, s) {
			chain = append(chain, c.String())
		}
		return nil, fmt.Errorf("function calls nest without end or too deep: %s", strings.Join(chain, " -> "))
	}
	x.calling = append(x.calling, s)
	defer func() { x.calling = x.calling[:len(x.calling)-1] }()
	out, err := x.body(out, n, f)
	if err != nil {
		return nil, fmt.Errorf("node %q: function %v: %w", n.GetName(), s, err)
	}
	return out, nil
}

func (x *expander) body(out []*onnxpb.NodeProto, n *onnxpb.NodeProto, f *function) ([]*onnxpb.NodeProto, error) {
	e := &env{f: f, prefix: n.GetName() + "/"}
	err := x.charge(perField * (len(f.Input) + len(f.Output) + len(f.Attribute) + len(f.AttributeProto)))
	if err != nil {
		return nil, err
	}
	if e.attrs, err = arguments(n, f); err != nil {
		return nil, err
	}
	if err := x.bind(e, n); err != nil {
		return nil, err
	}
	if out, err = x.list(out, f.Node, e); err != nil {
		return nil, err
	}
	return x.pass(out, n, f, e)
}

// arguments are the attributes of a call with the function's defaults.
func arguments(n *onnxpb.NodeProto, f *function) (map[string]*onnxpb.AttributeProto, error) {
	attrs := map[string]*onnxpb.AttributeProto{}
	for _, name := range f.Attribute {
		attrs[name] = nil
	}
	for _, a := range f.AttributeProto {
		attrs[a.GetName()] = a
	}
	for _, a := range n.Attribute {
		if _, ok := attrs[a.GetName()]; !ok {
			return nil, fmt.Errorf("it has no attribute %q", a.GetName())
		}
		attrs[a.GetName()] = a
	}
	return attrs, nil
}

// bind names the function's values: formal inputs and outputs after the call's, the others by the prefix.
func (x *expander) bind(e *env, n *onnxpb.NodeProto) error {
	f := e.f
	if len(n.Input) > len(f.Input) || len(n.Output) > len(f.Output) {
		return fmt.Errorf("%d inputs and %d outputs in a call of one with %d and %d", len(n.Input), len(n.Output),
			len(f.Input), len(f.Output))
	}
	e.names = map[string]string{}
	for i, formal := range f.Input {
		if _, ok := e.names[formal]; ok || formal == "" {
			return fmt.Errorf("its input %d, %q, has no name or another's", i, formal)
		}
		e.names[formal] = ""
		if i < len(n.Input) {
			e.names[formal] = n.Input[i]
		}
	}
	outputs := map[string]string{}
	for i, formal := range f.Output {
		if i < len(n.Output) && outputs[formal] == "" {
			outputs[formal] = n.Output[i]
		}
	}
	for _, inner := range f.Node {
		for _, name := range inner.Output {
			if _, ok := e.names[name]; ok {
				return fmt.Errorf("node %q (%s): output %q is defined already", inner.GetName(), inner.GetOpType(), name)
			}
			if name == "" {
				continue
			}
			actual, err := outputs[name], error(nil)
			if actual == "" {
				actual, err = x.unique(e.prefix + name)
			}
			if err != nil {
				return err
			}
			e.names[name] = actual
		}
	}
	return nil
}

// pass appends an Identity for every output of the call that is not some inner node's own: the function hands an input
// through, or returns a value twice.
func (x *expander) pass(out []*onnxpb.NodeProto, n *onnxpb.NodeProto, f *function, e *env) ([]*onnxpb.NodeProto, error) {
	for i, actual := range n.Output {
		inner, ok := e.names[f.Output[i]]
		if !ok {
			return nil, fmt.Errorf("output %q is never computed", f.Output[i])
		}
		if inner == actual || actual == "" {
			continue
		}
		name, op := fmt.Sprintf("%sIdentity_out%d", e.prefix, i), "Identity"
		if err := x.charge(perNode + len(name)); err != nil {
			return nil, err
		}
		c := &onnxpb.NodeProto{Name: &name, OpType: &op, Input: []string{inner}, Output: []string{actual}}
		x.m.scope[c] = f
		out = append(out, c)
	}
	return out, nil
}
