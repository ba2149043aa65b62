package mutate

import (
	"encoding/binary"
	"math"
	"slices"
)

// widths are the bytes of an element by TensorProto.DataType.
var widths = map[uint64]int{1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8, 16: 2}

var dataTypes = []uint64{1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 16}

// largest bounds the bytes of tensors that are made.
const largest = 1 << 16

// tensor gives a tensor other elements, or another type or shape that its data fit.
func (m *mutator) tensor(t *field) {
	dims, dataType, raw := stored(t)
	if widths[dataType] == 0 {
		return
	}
	if len(raw) > largest && m.IntN(20) > 0 {
		return
	}
	switch m.IntN(4) {
	case 0:
		dims = m.dims(dims)
	case 1:
		dataType = dataTypes[m.IntN(len(dataTypes))]
	default:
		raw = m.element(slices.Clone(raw), dataType)
	}
	size := widths[dataType]
	for _, d := range dims {
		if d < 0 || d > largest || size > largest {
			return
		}
		size *= int(d)
	}
	if size > largest && size != len(raw) {
		return
	}
	whole := make([]byte, size)
	for i := 0; i < size && len(raw) > 0; {
		i += copy(whole[i:], raw)
	}
	packed := make([]uint64, len(dims))
	for i, d := range dims {
		packed[i] = uint64(d)
	}
	t.fields = slices.DeleteFunc(slices.Clone(t.fields), func(f *field) bool { return f.number != 8 })
	t.fields = append(t.fields, &field{number: 1, wire: 2, kind: varints, bytes: pack(packed)}, &field{number: 2, value: dataType},
		&field{number: 9, wire: 2, kind: elements, bytes: whole})
}

// stored reads a tensor's dimensions, type and elements, wherever they are stored.
func stored(t *field) (dims []int64, dataType uint64, raw []byte) {
	var numbers []uint64
	for _, f := range t.fields {
		list := []uint64{f.value}
		if f.wire == 2 && f.kind == varints {
			list = unpack(f.bytes)
		}
		switch f.number {
		case 1:
			for _, d := range list {
				dims = append(dims, int64(d))
			}
		case 2:
			dataType = f.value
		case 4, 9, 10:
			raw = append(raw, f.bytes...)
		case 5, 7, 11:
			numbers = append(numbers, list...)
		}
	}
	for _, v := range numbers {
		raw = append(raw, binary.LittleEndian.AppendUint64(nil, v)[:max(widths[dataType], 1)]...)
	}
	return dims, dataType, raw
}

func (m *mutator) dims(dims []int64) []int64 {
	dims = slices.Clone(dims)
	if len(dims) == 0 || m.IntN(4) == 0 {
		return slices.Insert(dims, m.IntN(len(dims)+1), int64(m.IntN(4)))
	}
	at := m.IntN(len(dims))
	switch m.IntN(6) {
	case 0:
		return slices.Delete(dims, at, at+1)
	case 1:
		return nil
	case 2:
		dims[at] = 0
	case 3:
		dims[at] = max(dims[at]-1, 0)
	case 4:
		dims[at]++
	default:
		to := m.IntN(len(dims))
		dims[at], dims[to] = dims[to], dims[at]
	}
	return dims
}

// element replaces one element, or all, by an odd number of the type.
func (m *mutator) element(raw []byte, dataType uint64) []byte {
	width := widths[dataType]
	if len(raw) < width {
		return raw
	}
	value := make([]byte, 8)
	switch odd := odd32[m.IntN(len(odd32))]; dataType {
	case 1:
		binary.LittleEndian.PutUint32(value, math.Float32bits(odd))
	case 11:
		binary.LittleEndian.PutUint64(value, math.Float64bits(float64(odd)))
	default:
		binary.LittleEndian.PutUint64(value, uint64(integers[m.IntN(len(integers))]))
	}
	if dataType == 9 {
		value[0] &= 1
	}
	at := m.IntN(len(raw)/width) * width
	if m.IntN(4) == 0 {
		for at := 0; at+width <= len(raw); at += width {
			copy(raw[at:], value[:width])
		}
	}
	copy(raw[at:], value[:width])
	return raw
}
