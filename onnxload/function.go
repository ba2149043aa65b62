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
	maxExpandedBytes = 1 << 29 // some million nodes
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
	names     map[string]bool // of all values of the model
	calling   []signature
	bytes     int // of what was created
}

// env is what names and attribute references mean where nodes are copied from.
type env struct {
	outer  *env
	f      *function // nil in the model's own graph
	prefix string
	names  map[string]string
	attrs  map[string]*onnxpb.AttributeProto // of the call, or defaults
}

// expand sets m.flat and m.scope.
func (m *Model) expand() error {
	m.flat, m.scope = m.proto.Graph, map[*onnxpb.NodeProto]*function{}
	if len(m.proto.Functions) == 0 {
		return nil
	}
	x := &expander{m: m, functions: map[signature]*function{}, names: map[string]bool{}}
	for _, f := range m.proto.Functions {
		s := signature{domainOf(f.GetDomain()), f.GetName(), f.GetOverload()}
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
		x.names[name] = true
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

// graph copies a graph with calls expanded. In a function the graph's own names become unique.
func (x *expander) graph(g *onnxpb.GraphProto, e *env) (*onnxpb.GraphProto, error) {
	c := *g
	if e.f != nil {
		e = &env{outer: e, f: e.f, prefix: e.prefix, attrs: e.attrs, names: map[string]string{}}
		for _, name := range definitions(g) {
			if _, ok := e.names[name]; !ok && name != "" {
				var err error
				if e.names[name], err = x.unique(e.prefix + name); err != nil {
					return nil, err
				}
			}
		}
		if err := x.rename(&c, e); err != nil {
			return nil, err
		}
	}
	var err error
	c.Node, err = x.list(nil, g.Node, e)
	return &c, err
}

// rename gives the graph's inputs, outputs and initializers the names that they have in e. What the file says about
// intermediate values is dropped.
func (x *expander) rename(g *onnxpb.GraphProto, e *env) (err error) {
	if err := x.charge(perMessage * (len(g.Input) + len(g.Output) + len(g.Initializer) + len(g.SparseInitializer))); err != nil {
		return err
	}
	g.ValueInfo, g.QuantizationAnnotation = nil, nil
	if g.Input, err = renamed(g.Input, e, func(v *onnxpb.ValueInfoProto) **string { return &v.Name }); err != nil {
		return err
	}
	if g.Output, err = renamed(g.Output, e, func(v *onnxpb.ValueInfoProto) **string { return &v.Name }); err != nil {
		return err
	}
	given := g.Initializer
	if g.Initializer, err = renamed(given, e, func(t *onnxpb.TensorProto) **string { return &t.Name }); err != nil {
		return err
	}
	for i, t := range given {
		x.m.tensors[g.Initializer[i]] = x.m.tensors[t]
	}
	sparse := g.SparseInitializer
	if g.SparseInitializer, err = renamed(sparse, e, func(t *onnxpb.SparseTensorProto) **string {
		values := *t.Values
		x.m.tensors[&values] = x.m.tensors[t.Values]
		t.Values = &values
		return &values.Name
	}); err != nil {
		return err
	}
	for i, t := range sparse {
		x.m.sparse[g.SparseInitializer[i]] = x.m.sparse[t]
	}
	return nil
}

// renamed copies messages, each with the name that e gives it.
func renamed[T any](list []*T, e *env, name func(*T) **string) ([]*T, error) {
	out := make([]*T, len(list))
	for i, v := range list {
		c := *v
		p := name(&c)
		if *p != nil {
			n, err := e.lookup(**p)
			if err != nil {
				return nil, err
			}
			*p = &n
		}
		out[i] = &c
	}
	return out, nil
}

// lookup is what a name of the copied nodes is called in the copy; the model's own names stay.
func (e *env) lookup(name string) (string, error) {
	for in := e; in != nil; in = in.outer {
		if n, ok := in.names[name]; ok {
			return n, nil
		}
	}
	if e.f != nil && name != "" {
		return "", fmt.Errorf("%q is not defined in the function", name)
	}
	return name, nil
}

func (x *expander) unique(name string) (string, error) {
	base := name
	for i := 2; x.names[name]; i++ {
		name = fmt.Sprintf("%s_%d", base, i)
	}
	x.names[name] = true
	return name, x.charge(len(name) + perField)
}

// charge accounts for memory of what is created.
func (x *expander) charge(bytes int) error {
	if x.bytes += bytes; x.bytes > maxExpandedBytes {
		return errors.New("the model's functions expand to far more than any real model has")
	}
	return nil
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

// node copies a node under the names of e, with attribute references resolved.
func (x *expander) node(n *onnxpb.NodeProto, i int, e *env) (*onnxpb.NodeProto, error) {
	c := *n
	name := n.GetName()
	if name == "" {
		name = fmt.Sprintf("%s_%d", n.GetOpType(), i)
		// What a call is named shows in its values' names, which must not depend on how many nodes come before.
		if x.functions[signatureOf(n)] != nil && len(n.Output) > 0 {
			name = n.Output[0]
		}
	}
	name = e.prefix + name
	c.Name = &name
	err := x.charge(perNode + len(name) + perField*(len(n.Input)+len(n.Output)+len(n.Attribute)))
	if e.f != nil && err == nil {
		x.m.scope[&c] = e.f
		if c.Input, err = e.lookups(n.Input); err == nil {
			c.Output, err = e.lookups(n.Output)
		}
	}
	c.Attribute = make([]*onnxpb.AttributeProto, 0, len(n.Attribute))
	for _, a := range n.Attribute {
		if err != nil {
			break
		}
		if a, err = x.attribute(a, e); a != nil {
			c.Attribute = append(c.Attribute, a)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("node %q (%s): %w", name, n.GetOpType(), err)
	}
	return &c, nil
}

func (e *env) lookups(names []string) ([]string, error) {
	out := make([]string, len(names))
	for i, name := range names {
		var err error
		if out[i], err = e.lookup(name); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// attribute resolves a reference to an attribute of the function, nil when the call leaves it out, and copies
// subgraphs.
func (x *expander) attribute(a *onnxpb.AttributeProto, e *env) (*onnxpb.AttributeProto, error) {
	if ref := a.GetRefAttrName(); ref != "" {
		given := e.attrs[ref]
		switch {
		case e.f == nil:
			return nil, fmt.Errorf("attribute %q refers to %q outside of a function", a.GetName(), ref)
		case given == nil:
			return nil, nil
		case a.GetType() != given.GetType() && a.GetType() != 0 && given.GetType() != 0:
			return nil, fmt.Errorf("attribute %q is %v, the function's %q is %v", a.GetName(), a.GetType(), ref, given.GetType())
		}
		c := *given
		c.Name = a.Name
		return &c, nil
	}
	if len(attributeGraphs(a)) == 0 {
		return a, nil
	}
	c := *a
	var err error
	if a.G != nil {
		c.G, err = x.graph(a.G, e)
	}
	c.Graphs = slices.Clone(a.Graphs)
	for i, g := range a.Graphs {
		if err == nil {
			c.Graphs[i], err = x.graph(g, e)
		}
	}
	return &c, err
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
		return fmt.Errorf("%d inputs and %d outputs in a call of one with %d and %d", len(n.Input), len(n.Output), len(f.Input), len(f.Output))
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
		c := &onnxpb.NodeProto{Name: &name, OpType: &op, Input: []string{inner}, Output: []string{actual}}
		x.m.scope[c] = f
		out = append(out, c)
	}
	return out, nil
}
