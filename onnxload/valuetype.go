package onnxload

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/onnxload/internal/onnxpb"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// typeOf converts a declared type; what it leaves open stays open. A negative dimension means that too in practice.
func typeOf(p *onnxpb.TypeProto) (t graph.Type, symbols []string, err error) {
	var declared *onnxpb.TypeProto_Tensor
	switch v := p.GetValue().(type) {
	case nil:
		return t, nil, nil
	case *onnxpb.TypeProto_TensorType:
		declared = v.TensorType
	default:
		return t, nil, fmt.Errorf("it is %s; only dense tensors are supported", kindOf(v))
	}
	if declared.GetElemType() != 0 {
		if t.DType, err = dtypeOf(declared.GetElemType()); err != nil {
			return t, nil, err
		}
	}
	if declared.Shape == nil {
		return t, nil, nil
	}
	t.Shape, symbols, err = dimensions(declared.Shape.Dim)
	return t, symbols, err
}

func dimensions(dims []*onnxpb.TensorShapeProto_Dimension) (shape tensor.Shape, symbols []string, err error) {
	shape, open := make(tensor.Shape, len(dims)), false
	symbols = make([]string, len(dims))
	for i, d := range dims {
		shape[i], symbols[i] = -1, d.GetDimParam()
		if v, ok := d.GetValue().(*onnxpb.TensorShapeProto_Dimension_DimValue); ok && v.DimValue >= 0 {
			if v.DimValue > math.MaxInt32 {
				return nil, nil, fmt.Errorf("dimension %d is %d, which is larger than any memory", i, v.DimValue)
			}
			shape[i] = int(v.DimValue)
		}
		open = open || shape[i] == -1
	}
	if !open {
		symbols = nil
	}
	return shape, symbols, nil
}

func kindOf(value any) string {
	switch value.(type) {
	case *onnxpb.TypeProto_SequenceType:
		return "a sequence"
	case *onnxpb.TypeProto_MapType:
		return "a map"
	case *onnxpb.TypeProto_OptionalType:
		return "optional"
	case *onnxpb.TypeProto_SparseTensorType:
		return "a sparse tensor"
	default:
		return "opaque"
	}
}
