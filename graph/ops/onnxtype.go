package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// onnxTypes are the element types by their number in TensorProto.DataType (onnx.proto), which attributes use.
var onnxTypes = [...]tensor.DType{
	1: tensor.Float32, 2: tensor.Uint8, 3: tensor.Int8, 4: tensor.Uint16, 5: tensor.Int16, 6: tensor.Int32,
	7: tensor.Int64, 9: tensor.Bool, 10: tensor.Float16, 11: tensor.Float64, 12: tensor.Uint32, 13: tensor.Uint64,
	16: tensor.BFloat16Type,
}

// typeAttr reads an attribute that holds an element type.
func typeAttr(n *graph.Node, name string, absent tensor.DType) (tensor.DType, error) {
	if !n.Attrs.Has(name) && absent != tensor.Invalid {
		return absent, nil
	}
	k := n.Attrs.Int(name, 0)
	if k <= 0 || k >= len(onnxTypes) || onnxTypes[k] == tensor.Invalid {
		return tensor.Invalid, fmt.Errorf("attribute %s is ONNX element type %d, which is not supported", name, k)
	}
	return onnxTypes[k], nil
}

// onnxType is the number of an element type in attributes.
func onnxType(dt tensor.DType) int {
	for k, t := range onnxTypes {
		if t == dt {
			return k
		}
	}
	return 0
}
