package onnxload

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/onnxtrain/onnxtrain/onnxload/internal/onnxpb"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// draft is a copy of a model whose messages may be changed.
type draft struct{ Model }

// draft copies the model, with its functions expanded when flat.
func (m *Model) draft(flat bool) (*draft, error) {
	c := cloner{m, map[*onnxpb.TensorProto]loaded{}, map[*onnxpb.SparseTensorProto]loaded{}}
	p := *m.proto
	if flat {
		var err error
		if p.OpsetImport, err = m.flatOpsets(); err != nil {
			return nil, err
		}
		p.Graph, p.Functions = m.flat, nil
	}
	return &draft{Model{Path: m.Path, Opset: m.Opset, locations: m.locations, proto: c.model(&p), tensors: c.tensors,
		sparse: c.sparse}}, nil
}

// flatOpsets are the opsets that the model imports once functions are expanded. One graph can only have one version of a
// domain, so functions that import another than the model cannot be expanded in a file.
func (m *Model) flatOpsets() ([]*onnxpb.OperatorSetIdProto, error) {
	list, opset := slices.Clone(m.proto.OpsetImport), maps.Clone(m.Opset)
	for _, f := range m.proto.Functions {
		for _, o := range f.OpsetImport {
			domain, v := domainOf(o.GetDomain()), int(o.GetVersion())
			switch had, ok := opset[domain]; {
			case !ok:
				opset[domain] = v
				list = append(list, o)
			case had != v:
				return nil, fmt.Errorf("a weight is stored in a function, which cannot be written: function %q imports opset %d of "+
					"domain %q and the model %d; export the model with functions inlined", f.GetName(), v, domain, had)
			}
		}
	}
	return list, nil
}

// place writes new elements into the sites of the graph.
func (d *draft) place(p plan) {
	g := d.proto.Graph
	sites := d.sites(g)
	dropped := map[*onnxpb.NodeProto]bool{}
	for _, name := range sortedKeys(p) {
		t, s := p[name], sites[name]
		switch {
		case s.initializer != nil:
			d.fill(s.initializer, t)
		case s.constant != nil:
			d.setConstant(s.constant, t)
		case s.sparse != nil:
			g.SparseInitializer = slices.DeleteFunc(g.SparseInitializer,
				func(x *onnxpb.SparseTensorProto) bool { return x == s.sparse })
			d.addInitializer(name, t)
		default:
			dropped[s.identity] = true
			d.addInitializer(name, t)
		}
	}
	g.Node = slices.DeleteFunc(g.Node, func(n *onnxpb.NodeProto) bool { return dropped[n] })
}

// fill makes raw data of t the elements of p, whose name and notes stay.
func (d *draft) fill(p *onnxpb.TensorProto, t *tensor.Tensor) {
	raw, dataType := onnxpb.Raw(t.Data), dataTypeOf(t.DType)
	p.DataType, p.RawData = &dataType, &raw
	p.Dims = nil
	for _, n := range t.Shape {
		p.Dims = append(p.Dims, int64(n))
	}
	p.FloatData, p.DoubleData, p.Int32Data, p.Int64Data, p.Uint64Data = nil, nil, nil, nil, nil
	p.ExternalData, p.DataLocation = nil, nil
	d.tensors[p] = loaded{Tensor: t}
}

func (d *draft) addInitializer(name string, t *tensor.Tensor) {
	p := &onnxpb.TensorProto{Name: &name}
	d.fill(p, t)
	g := d.proto.Graph
	g.Initializer = append(g.Initializer, p)
	listed := slices.ContainsFunc(g.Input, func(v *onnxpb.ValueInfoProto) bool { return v.GetName() == name })
	if d.proto.GetIrVersion() >= 4 || listed {
		return
	}
	// Before IR version 4 every initializer is an input as well.
	shape := &onnxpb.TensorShapeProto{}
	for _, n := range p.Dims {
		shape.Dim = append(shape.Dim,
			&onnxpb.TensorShapeProto_Dimension{Value: &onnxpb.TensorShapeProto_Dimension_DimValue{DimValue: n}})
	}
	declared := &onnxpb.TypeProto{Value: &onnxpb.TypeProto_TensorType{
		TensorType: &onnxpb.TypeProto_Tensor{ElemType: p.DataType, Shape: shape}}}
	g.Input = append(g.Input, &onnxpb.ValueInfoProto{Name: &name, Type: declared})
}

// setConstant stores t in a Constant node.
func (d *draft) setConstant(n *onnxpb.NodeProto, t *tensor.Tensor) {
	for i, a := range n.Attribute {
		if a.GetName() == "value" && a.T != nil {
			d.fill(a.T, t)
			return
		}
		if strings.HasSuffix(a.GetName(), "value") || strings.HasPrefix(a.GetName(), "value_") {
			name, kind, p := "value", onnxpb.AttributeProto_TENSOR, &onnxpb.TensorProto{}
			d.fill(p, t)
			n.Attribute[i] = &onnxpb.AttributeProto{Name: &name, Type: &kind, T: p}
		}
	}
}

// describe sets entries of metadata_props and keeps the others.
func (d *draft) describe(metadata map[string]string) {
	p := d.proto
	for _, key := range sortedKeys(metadata) {
		value := metadata[key]
		entry := &onnxpb.StringStringEntryProto{Key: &key, Value: &value}
		if i := slices.IndexFunc(p.MetadataProps,
			func(e *onnxpb.StringStringEntryProto) bool { return e.GetKey() == key }); i >= 0 {
			p.MetadataProps[i] = entry
		} else {
			p.MetadataProps = append(p.MetadataProps, entry)
		}
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
