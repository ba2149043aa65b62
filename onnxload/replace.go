package onnxload

import (
	"fmt"
	"slices"

	"github.com/onnxtrain/onnxtrain/onnxload/internal/onnxpb"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Replacement puts weights of other shapes into a model.
type Replacement struct {
	// Weights are the new tensors by name, as in Weights.Tensors.
	Weights map[string]*tensor.Tensor
	// Outputs are the new sizes of dimensions of the graph's outputs that change with them: by name and axis.
	Outputs map[string]map[int]int
	// Undeclared are computed values whose types in the file are not true any more, and are dropped.
	Undeclared []string
}

// Replace is the model with other weights, as if the file had them. The model itself does not change.
func (m *Model) Replace(r Replacement) (*Model, error) {
	c, err := m.replace(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Path, err)
	}
	return c, nil
}

func (m *Model) replace(r Replacement) (*Model, error) {
	sites := m.sites(m.flat)
	p := plan{}
	for _, name := range sortedKeys(r.Weights) {
		s, ok := sites[name]
		if !ok {
			return nil, unknownWeights([]string{name})
		}
		t := r.Weights[name]
		if t.DType != s.stored.DType {
			t = tensor.New(s.stored.DType, t.Shape...)
			t.SetFloat64s(r.Weights[name].Float64s())
		}
		p[name] = t
	}
	d, err := m.draft(m.inFunction(p))
	if err != nil {
		return nil, err
	}
	d.place(p)
	d.redeclare(r)
	c := d.Model
	c.Producer, c.IRVersion, c.Metadata = m.Producer, m.IRVersion, m.Metadata
	c.findTransposed()
	return &c, c.flatten()
}

// redeclare corrects what the file says of types.
func (d *draft) redeclare(r Replacement) {
	g := d.proto.Graph
	g.Output = slices.Clone(g.Output)
	for i, o := range g.Output {
		g.Output[i] = resized(o, r.Outputs[o.GetName()])
	}
	for i, v := range g.Input { // before IR version 4 initializers are inputs
		if t := r.Weights[v.GetName()]; t != nil {
			sizes := map[int]int{}
			for axis, size := range t.Shape {
				sizes[axis] = size
			}
			g.Input[i] = resized(v, sizes)
		}
	}
	g.ValueInfo = slices.DeleteFunc(g.ValueInfo, func(v *onnxpb.ValueInfoProto) bool {
		return r.Weights[v.GetName()] != nil || slices.Contains(r.Undeclared, v.GetName())
	})
}

// resized is a declaration with other sizes of some dimensions, by axis.
func resized(v *onnxpb.ValueInfoProto, sizes map[int]int) *onnxpb.ValueInfoProto {
	declared, ok := v.GetType().GetValue().(*onnxpb.TypeProto_TensorType)
	if !ok || declared.TensorType.GetShape() == nil || len(sizes) == 0 {
		return v
	}
	out, typ, tensorType, shape := *v, *v.Type, *declared.TensorType, *declared.TensorType.Shape
	shape.Dim = slices.Clone(shape.Dim)
	for axis, size := range sizes {
		if axis < len(shape.Dim) {
			shape.Dim[axis] = &onnxpb.TensorShapeProto_Dimension{Value: &onnxpb.TensorShapeProto_Dimension_DimValue{DimValue: int64(size)}}
		}
	}
	tensorType.Shape = &shape
	typ.Value = &onnxpb.TypeProto_TensorType{TensorType: &tensorType}
	out.Type = &typ
	return &out
}
