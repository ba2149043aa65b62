package train

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// sampleModel is an ONNX file of one node that makes an operator's sample call. The float inputs for which weight is true are
// initializers, which can be trained; it is false where an attribute cannot be written.
func sampleModel(def op.Def, s op.Sample, weight func(i int) bool) ([]byte, bool) {
	var g, n []byte
	for i, in := range s.In {
		if in == nil {
			n = bytesField(n, 1, nil)
			continue
		}
		name := fmt.Sprintf("in%d", i)
		n = bytesField(n, 1, []byte(name))
		if slices.Contains(s.Const, i) || in.DType.IsFloat() && weight(i) {
			g = bytesField(g, 5, tensorProto(name, in))
		} else {
			g = bytesField(g, 11, valueInfo(name, &in.Shape, in.DType))
		}
	}
	for i := range max(s.Outs, 1) {
		name := fmt.Sprintf("out%d", i)
		n = bytesField(n, 2, []byte(name))
		g = bytesField(g, 12, valueInfo(name, nil, tensor.Float32))
	}
	n = bytesField(n, 3, []byte("node"))
	n = bytesField(n, 4, []byte(def.Type))
	n = bytesField(n, 7, []byte(def.Domain))
	for _, a := range s.Attrs {
		p, ok := attributeProto(a)
		if !ok {
			return nil, false
		}
		n = bytesField(n, 5, p)
	}
	g = bytesField(g, 1, n)
	g = bytesField(g, 2, []byte("sample"))
	m := intField(nil, 1, 8)
	m = bytesField(m, 7, g)
	return bytesField(m, 8, intField(bytesField(nil, 1, []byte(def.Domain)), 2, int64(def.Since))), true
}

func bytesField(b []byte, number uint64, content []byte) []byte {
	b = binary.AppendUvarint(b, number<<3|2)
	b = binary.AppendUvarint(b, uint64(len(content)))
	return append(b, content...)
}

func intField(b []byte, number uint64, v int64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(b, number<<3), uint64(v))
}

func floatField(b []byte, number uint64, v float32) []byte {
	return binary.LittleEndian.AppendUint32(binary.AppendUvarint(b, number<<3|5), math.Float32bits(v))
}

var onnxTypes = map[tensor.DType]int64{tensor.Float32: 1, tensor.Uint8: 2, tensor.Int8: 3, tensor.Uint16: 4, tensor.Int16: 5, tensor.Int32: 6,
	tensor.Int64: 7, tensor.Bool: 9, tensor.Float16: 10, tensor.Float64: 11, tensor.Uint32: 12, tensor.Uint64: 13, tensor.BFloat16Type: 16}

func tensorProto(name string, t *tensor.Tensor) []byte {
	var b []byte
	for _, d := range t.Shape {
		b = intField(b, 1, int64(d))
	}
	b = intField(b, 2, onnxTypes[t.DType])
	b = bytesField(b, 8, []byte(name))
	return bytesField(b, 9, t.Data)
}

// valueInfo declares a value; a nil shape leaves its type open.
func valueInfo(name string, shape *tensor.Shape, dt tensor.DType) []byte {
	b := bytesField(nil, 1, []byte(name))
	if shape == nil {
		return b
	}
	var dims []byte
	for _, d := range *shape {
		dims = bytesField(dims, 1, intField(nil, 1, int64(d)))
	}
	return bytesField(b, 2, bytesField(nil, 1, bytesField(intField(nil, 1, onnxTypes[dt]), 2, dims)))
}

func attributeProto(a graph.Attr) ([]byte, bool) {
	b := bytesField(nil, 1, []byte(a.Name))
	kind := int64(0)
	switch v := a.Value.(type) {
	case float32:
		kind, b = 1, floatField(b, 2, v)
	case int64:
		kind, b = 2, intField(b, 3, v)
	case string:
		kind, b = 3, bytesField(b, 4, []byte(v))
	case *tensor.Tensor:
		kind, b = 4, bytesField(b, 5, tensorProto("", v))
	case []float32:
		kind = 6
		for _, x := range v {
			b = floatField(b, 7, x)
		}
	case []int64:
		kind = 7
		for _, x := range v {
			b = intField(b, 8, x)
		}
	case []string:
		kind = 8
		for _, x := range v {
			b = bytesField(b, 9, []byte(x))
		}
	default:
		return nil, false
	}
	return intField(b, 20, kind), true
}
