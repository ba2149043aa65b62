package onnxload

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onnxtrain/onnxtrain/onnxload/internal/onnxpb"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// dtypes are the element types that can be computed with, by TensorProto.DataType.
var dtypes = map[onnxpb.TensorProto_DataType]tensor.DType{
	onnxpb.TensorProto_FLOAT:    tensor.Float32,
	onnxpb.TensorProto_DOUBLE:   tensor.Float64,
	onnxpb.TensorProto_FLOAT16:  tensor.Float16,
	onnxpb.TensorProto_BFLOAT16: tensor.BFloat16Type,
	onnxpb.TensorProto_INT8:     tensor.Int8,
	onnxpb.TensorProto_INT16:    tensor.Int16,
	onnxpb.TensorProto_INT32:    tensor.Int32,
	onnxpb.TensorProto_INT64:    tensor.Int64,
	onnxpb.TensorProto_UINT8:    tensor.Uint8,
	onnxpb.TensorProto_UINT16:   tensor.Uint16,
	onnxpb.TensorProto_UINT32:   tensor.Uint32,
	onnxpb.TensorProto_UINT64:   tensor.Uint64,
	onnxpb.TensorProto_BOOL:     tensor.Bool,
}

// unsupportedType is the error for a type that ONNX has and the engine has not. It condemns a tensor only when something
// reads it.
type unsupportedType struct{ what string }

func (e unsupportedType) Error() string {
	return fmt.Sprintf("%s is not supported; supported are %s", e.what, supported())
}

func supported() string {
	var names []string
	for _, dt := range dtypes {
		names = append(names, dt.String())
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func dtypeOf(dataType int32) (tensor.DType, error) {
	t := onnxpb.TensorProto_DataType(dataType)
	if dt, ok := dtypes[t]; ok {
		return dt, nil
	}
	if name, ok := onnxpb.TensorProto_DataType_name[dataType]; ok && dataType != 0 {
		return tensor.Invalid, unsupportedType{"element type " + strings.ToLower(name)}
	}
	return tensor.Invalid, fmt.Errorf("element type %d does not exist", dataType)
}

// dataTypeOf is the inverse of dtypeOf.
func dataTypeOf(dt tensor.DType) int32 {
	for t, d := range dtypes {
		if d == dt {
			return int32(t)
		}
	}
	return 0
}
