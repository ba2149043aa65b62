package builder

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
)

// message is a protobuf message in the making; fields are those of onnx.proto.
type message []byte

func (m *message) key(field, wire int) { *m = binary.AppendUvarint(*m, uint64(field)<<3|uint64(wire)) }

func (m *message) integer(field int, x int64) {
	m.key(field, 0)
	*m = binary.AppendUvarint(*m, uint64(x))
}

func (m *message) float(field int, x float32) {
	m.key(field, 5)
	*m = binary.LittleEndian.AppendUint32(*m, math.Float32bits(x))
}

func (m *message) text(field int, s string) {
	m.key(field, 2)
	*m = append(binary.AppendUvarint(*m, uint64(len(s))), s...)
}

func (m *message) message(field int, sub message) { m.text(field, string(sub)) }

// message is the graph as a GraphProto.
func (g *Graph) message(name string, inputs, outputs []Value) (message, error) {
	var m message
	for _, n := range g.nodes {
		sub, err := n.message()
		if err != nil {
			return nil, err
		}
		m.message(1, sub)
	}
	m.text(2, name)
	for _, c := range g.constants {
		m.message(5, c.message())
	}
	for _, v := range inputs {
		m.message(11, v.message())
	}
	for _, v := range outputs {
		m.message(12, v.message())
	}
	return m, nil
}

// domains are those of nodes outside of ai.onnx, sorted.
func (g *Graph) domains() []string {
	found := map[string]bool{}
	for _, n := range g.nodes {
		if n.domain != "" {
			found[n.domain] = true
		}
		for _, a := range n.attrs {
			if s, ok := a.(Subgraph); ok {
				for _, d := range s.graph.domains() {
					found[d] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func (n node) message() (message, error) {
	var m message
	for _, name := range n.in {
		m.text(1, name)
	}
	for _, name := range n.out {
		m.text(2, name)
	}
	m.text(4, n.op)
	for _, name := range slices.Sorted(maps.Keys(n.attrs)) {
		a, err := attribute(name, n.attrs[name])
		if err != nil {
			return nil, fmt.Errorf("node %s of %q: attribute %q %w", n.op, n.out, name, err)
		}
		m.message(5, a)
	}
	if n.domain != "" {
		m.text(7, n.domain)
	}
	return m, nil
}

// attribute is an AttributeProto.
func attribute(name string, value any) (message, error) {
	const isFloat, isInt, isString, isGraph, areFloats, areInts = 1, 2, 3, 5, 6, 7
	var m message
	m.text(1, name)
	kind := int64(isInt)
	switch v := value.(type) {
	case int:
		m.integer(3, int64(v))
	case Type:
		m.integer(3, int64(v))
	case float64:
		kind = isFloat
		m.float(2, float32(v))
	case string:
		kind = isString
		m.text(4, v)
	case []int:
		kind = areInts
		for _, x := range v {
			m.integer(8, int64(x))
		}
	case []float64:
		kind = areFloats
		for _, x := range v {
			m.float(7, float32(x))
		}
	case Subgraph:
		kind = isGraph
		sub, err := v.graph.message(v.name, v.inputs, v.outputs)
		if err != nil {
			return nil, err
		}
		m.message(6, sub)
	default:
		return nil, fmt.Errorf("is a %T", value)
	}
	m.integer(20, kind)
	return m, nil
}

// message is the constant as a TensorProto.
func (c constant) message() message {
	var m message
	for _, d := range c.dims {
		m.integer(1, int64(d))
	}
	m.integer(2, int64(c.typ))
	m.text(8, c.name)
	m.text(9, string(c.data))
	return m
}

// message is the value as a ValueInfoProto.
func (v Value) message() message {
	var m message
	m.text(1, v.Name)
	if v.Type == 0 {
		return m
	}
	var shape message
	for _, d := range v.Dims {
		var dim message
		if n, err := strconv.Atoi(d); err == nil {
			dim.integer(1, int64(n))
		} else {
			dim.text(2, d)
		}
		shape.message(1, dim)
	}
	var tensor, typ message
	tensor.integer(1, int64(v.Type))
	tensor.message(2, shape)
	typ.message(1, tensor)
	m.message(2, typ)
	return m
}
