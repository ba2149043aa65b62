package onnxload

import (
	"errors"
	"fmt"
	"slices"

	"github.com/onnxtrain/onnxtrain/onnxload/internal/onnxpb"
)

// env is what names and attribute references mean where nodes are copied from.
type env struct {
	outer  *env
	f      *function // nil in the model's own graph
	prefix string
	names  map[string]string
	attrs  map[string]*onnxpb.AttributeProto // of the call, or defaults
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

// unique is the name, or the name with the first number that makes it one of its own.
func (x *expander) unique(name string) (string, error) {
	base, n := name, x.names[name]
	for ; x.names[name] != 0; n++ {
		name = fmt.Sprintf("%s_%d", base, n+1)
	}
	x.names[base], x.names[name] = n, 1
	if n == 0 {
		x.names[base] = 1
	}
	return name, x.charge(len(name) + perField)
}

// charge accounts for memory of what is created.
func (x *expander) charge(bytes int) error {
	if x.bytes += bytes; x.bytes > maxExpandedBytes {
		return errors.New("the model's functions expand to far more than any real model has")
	}
	return nil
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
	if ref := a.GetRefAttrName(); ref != "" && e.f != nil {
		given := e.attrs[ref]
		switch {
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
