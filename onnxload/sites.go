package onnxload

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/onnxtrain/onnxtrain/onnxload/internal/onnxpb"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// site is where a graph stores a value that can be a weight: an initializer, a Constant node, or an Identity of another
// site, of which passes make a weight of its own.
type site struct {
	initializer *onnxpb.TensorProto
	sparse      *onnxpb.SparseTensorProto
	constant    *onnxpb.NodeProto
	identity    *onnxpb.NodeProto
	// The elements of the file; those of the source for an Identity.
	stored *tensor.Tensor
	source string // of an Identity: the name of the site it reads
	// split says that graph/pass gives the Identity's output a tensor of its own.
	split bool
}

// sites finds the sites of a graph by name: of floating-point values, nothing else is trained.
func (m *Model) sites(g *onnxpb.GraphProto) map[string]site {
	found := map[string]site{}
	for _, p := range g.Initializer {
		if t, err := m.tensor(p); err == nil && t.DType.IsFloat() {
			found[p.GetName()] = site{initializer: p, stored: t}
		}
	}
	for _, p := range g.SparseInitializer {
		if t, err := m.sparseTensor(p); err == nil && t.DType.IsFloat() {
			found[p.GetValues().GetName()] = site{sparse: p, stored: t}
		}
	}
	returned := map[string]bool{}
	for _, o := range g.Output {
		returned[o.GetName()] = true
	}
	identities := map[string]*onnxpb.NodeProto{}
	for _, n := range g.Node {
		if domainOf(n.GetDomain()) != "" || len(n.Output) == 0 {
			continue
		}
		if t := m.constant(n); t != nil && t.DType.IsFloat() {
			found[n.Output[0]] = site{constant: n, stored: t}
		} else if n.GetOpType() == "Identity" && len(n.Input) == 1 {
			identities[n.Output[0]] = n
		}
	}
	var resolve func(name string) (site, bool)
	resolve = func(name string) (site, bool) {
		s, ok := found[name]
		n := identities[name]
		delete(identities, name) // so that a cycle ends
		if ok || n == nil {
			return s, ok
		}
		source, ok := resolve(n.Input[0])
		if ok {
			split := source.constant == nil && (source.identity == nil || source.split) && !returned[name] &&
				weightLike(source.stored)
			s = site{identity: n, source: n.Input[0], stored: source.stored, split: split}
			found[name] = s
		}
		return s, ok
	}
	for _, n := range g.Node {
		if len(n.Output) > 0 {
			resolve(n.Output[0])
		}
	}
	return found
}

// weightLike tells what graph/pass may take for a weight among floating-point tensors.
func weightLike(t *tensor.Tensor) bool {
	return len(t.Shape) > 0 && t.Elems() > 0
}

// constant is the tensor of a Constant node, nil when it is another node or holds something else.
func (m *Model) constant(n *onnxpb.NodeProto) *tensor.Tensor {
	if n.GetOpType() != "Constant" || domainOf(n.GetDomain()) != "" {
		return nil
	}
	for _, a := range n.Attribute {
		switch {
		case a.GetName() == "value" && a.T != nil:
			return m.tensors[a.T].Tensor
		case a.GetName() == "sparse_value" && a.SparseTensor != nil:
			return m.sparse[a.SparseTensor].Tensor
		case a.GetName() == "value_floats":
			return tensor.Vector(a.Floats...)
		}
	}
	return nil
}

// plan is what a file must say differently: new elements for sites, by name. An Identity that is listed gets an
// initializer of its own.
type plan map[string]*tensor.Tensor

// plan compares the weights with what the graph g stores. Weights that g does not know are returned as unknown.
func (m *Model) plan(g *onnxpb.GraphProto, w Weights) (p plan, unknown []string, err error) {
	sites := m.sites(g)
	now := map[string]*tensor.Tensor{}
	for _, name := range sortedKeys(w.Tensors) {
		s, ok := sites[name]
		if !ok {
			unknown = append(unknown, name)
			continue
		}
		if now[name], err = asStored(w.Tensors[name], s.stored); err != nil {
			return nil, nil, fmt.Errorf("weight %q: %w", name, err)
		}
	}
	for name, of := range m.transposed {
		if t := now[of]; t != nil && now[name] == nil {
			now[name] = transpose(t)
		}
	}
	// The value of a site: the weight's, else the stored one; an Identity that is not split off follows its source.
	var value func(name string) *tensor.Tensor
	value = func(name string) *tensor.Tensor {
		s := sites[name]
		if t := now[name]; t == nil && s.identity != nil && (!s.split || w.Tied) {
			now[name] = value(s.source)
		} else if t == nil {
			now[name] = s.stored
		}
		return now[name]
	}
	p = plan{}
	for name, s := range sites {
		was := s.stored
		if s.identity != nil {
			was = value(s.source)
		}
		if t := value(name); !bytes.Equal(t.Data, was.Data) {
			p[name] = t
		}
	}
	return p, unknown, nil
}

// asStored is t in the element type of the file.
func asStored(t, stored *tensor.Tensor) (*tensor.Tensor, error) {
	if t == nil {
		return nil, errors.New("no tensor is given")
	}
	if !t.Shape.Equal(stored.Shape) {
		return nil, fmt.Errorf("its shape is %v, the file's is %v", t.Shape, stored.Shape)
	}
	if t.DType == stored.DType {
		return t, nil
	}
	c := tensor.New(stored.DType, stored.Shape...)
	c.SetFloat64s(t.Float64s())
	return c, nil
}
