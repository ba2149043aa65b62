package mutate

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
)

// ONNX returns the model b with one to three changes drawn from r: fields left out, repeated, exchanged or given other
// values, names that mean other values, tensors of other types and shapes. operators are names that a node may get.
func ONNX(b []byte, operators []string, r *rand.Rand) []byte {
	root := &field{wire: 2, kind: model, fields: parse(b, model)}
	m := mutator{Rand: r, operators: operators}
	m.walk(root)
	if len(m.sites) == 0 {
		return b
	}
	for range 1 + r.IntN(2) {
		m.change(m.pick())
	}
	return write(nil, root.fields)
}

// site is a field with the message it lies in.
type site struct{ in, field *field }

type mutator struct {
	*rand.Rand
	operators []string
	names     []*field
	sites     []site
}

// walk lists what may be changed. Few weights matter; small files consist of little else than structure.
func (m *mutator) walk(in *field) {
	for _, f := range in.fields {
		m.sites = append(m.sites, site{in, f})
		if f.kind == name && f.wire == 2 {
			m.names = append(m.names, f)
		}
		m.walk(f)
	}
}

// pick prefers what reaches far: most changes of names and most changes next to the root are refused at once.
func (m *mutator) pick() site {
	s := m.sites[m.IntN(len(m.sites))]
	for range 4 {
		if s.field.kind != name && s.in.kind != model && s.in.kind != opset && s.in.kind != valueInfo {
			break
		}
		s = m.sites[m.IntN(len(m.sites))]
	}
	return s
}

func (m *mutator) change(s site) {
	if m.IntN(8) == 0 {
		m.rearrange(s)
		return
	}
	f := s.field
	switch {
	case s.in.kind == tensors && m.IntN(4) > 0: // or else most changes leave data that do not fit the shape
		m.tensor(s.in)
	case s.in.kind == attribute && f.number == 20 && m.IntN(4) > 0:
		m.attribute(s.in)
	case s.in.kind == tensorType && f.wire == 0 && m.IntN(4) > 0:
		f.value = dataTypes[m.IntN(len(dataTypes))]
	case f.wire == 0:
		f.value = m.integer(f.value)
	case f.kind == tensors:
		m.tensor(f)
	case f.kind == node:
		m.call(f)
	case f.kind == attribute:
		m.attribute(f)
	case f.kind == shape:
		m.shape(f)
	case f.message():
		m.rearrange(s)
	case f.kind == name:
		m.rename(s)
	case f.kind == varints:
		f.bytes = pack(m.list(unpack(f.bytes)))
	case f.wire == 5, f.kind == fixed32s:
		f.bytes = m.float32s(f.bytes)
	default:
		f.bytes = m.noise(f.bytes)
	}
}

// rearrange changes which fields a message has, and in what order.
func (m *mutator) rearrange(s site) {
	list := s.in.fields
	at := slices.Index(list, s.field)
	if at < 0 {
		return
	}
	to := m.IntN(len(list))
	switch m.IntN(4) {
	case 0:
		s.in.fields = slices.Delete(slices.Clone(list), at, at+1)
	case 1:
		s.in.fields = slices.Insert(slices.Clone(list), to, s.field)
	case 2:
		list[at], list[to] = list[to], list[at]
	default: // the next field of the same number takes its place
		for k := range list {
			if o := list[(at+1+k)%len(list)]; o.number == s.field.number && o != s.field {
				list[at] = o
				return
			}
		}
	}
}

func (m *mutator) rename(s site) {
	f := s.field
	if s.in.kind == node && f.number == 4 && len(m.operators) > 0 && m.IntN(2) == 0 {
		f.bytes = []byte(m.operators[m.IntN(len(m.operators))])
		return
	}
	switch m.IntN(6) {
	case 0:
		f.bytes = nil
	case 1:
		f.bytes = []byte("nowhere")
	default:
		f.bytes = m.names[m.IntN(len(m.names))].bytes
	}
}

// integers are those that checks forget.
var integers = []int64{0, 1, -1, 2, 3, -2, 4, 5, 7, 8, 9, 10, 11, 16, 17, 20, 31, 64, 255, 1000, 1 << 16, 1 << 20, 1<<24 + 1, 1 << 28, math.MaxInt32,
	math.MinInt32, 1 << 31, 1 << 32, 1<<32 + 1, 1 << 40, 1 << 60, 1 << 61, 1 << 62, math.MaxInt64, math.MaxInt64 - 1, math.MinInt64, math.MinInt64 + 1}

func (m *mutator) integer(v uint64) uint64 {
	switch m.IntN(6) {
	case 0:
		return v + 1
	case 1:
		return v - 1
	case 2:
		return -v
	default:
		return uint64(integers[m.IntN(len(integers))])
	}
}

func (m *mutator) list(v []uint64) []uint64 {
	v = slices.Clone(v)
	if len(v) == 0 {
		return append(v, m.integer(1))
	}
	at := m.IntN(len(v))
	switch m.IntN(6) {
	case 0:
		return slices.Delete(v, at, at+1)
	case 1:
		return slices.Insert(v, at, m.integer(1))
	case 2:
		return slices.Repeat([]uint64{m.integer(v[at])}, len(v))
	case 3:
		to := m.IntN(len(v))
		v[at], v[to] = v[to], v[at]
	default:
		v[at] = m.integer(v[at])
	}
	return v
}

var odd32 = []float32{0, 1, -1, 0.5, 2, 1e-30, 1e30, -1e30, 1e10, float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))}

func (m *mutator) float32s(b []byte) []byte {
	b = slices.Clone(b)
	if len(b) < 4 {
		return b
	}
	at := m.IntN(len(b)/4) * 4
	if m.IntN(6) == 0 {
		return slices.Delete(b, at, at+4)
	}
	binary.LittleEndian.PutUint32(b[at:], math.Float32bits(odd32[m.IntN(len(odd32))]))
	return b
}

func (m *mutator) noise(b []byte) []byte {
	b = slices.Clone(b)
	if len(b) == 0 {
		return []byte("x")
	}
	if at := m.IntN(len(b)); m.IntN(4) == 0 {
		b = slices.Delete(b, at, min(at+1+m.IntN(8), len(b)))
	} else {
		b[at] = byte(m.Uint32())
	}
	return b
}

// call changes a node's inputs and outputs.
func (m *mutator) call(n *field) {
	number := uint64(1 + m.IntN(2))
	var at []int
	for i, f := range n.fields {
		if f.number == number {
			at = append(at, i)
		}
	}
	value := &field{number: number, wire: 2, kind: name}
	if len(m.names) > 0 && m.IntN(3) > 0 {
		value.bytes = m.names[m.IntN(len(m.names))].bytes
	}
	if len(at) == 0 || m.IntN(3) == 0 {
		if number == 2 {
			value.bytes = []byte{'o', byte('a' + m.IntN(26)), byte('a' + m.IntN(26))}
		}
		n.fields = append(n.fields, value)
		return
	}
	i := at[m.IntN(len(at))]
	switch m.IntN(3) {
	case 0:
		n.fields = slices.Delete(slices.Clone(n.fields), i, i+1)
	case 1:
		k := at[m.IntN(len(at))]
		n.fields[i], n.fields[k] = n.fields[k], n.fields[i]
	default:
		n.fields[i] = value
	}
}

// attribute gives an attribute another kind of value.
func (m *mutator) attribute(a *field) {
	kinds := []struct {
		kind  uint64
		value *field
	}{
		{1, &field{number: 2, wire: 5, bytes: m.float32s(make([]byte, 4))}},
		{2, &field{number: 3, value: m.integer(1)}},
		{3, &field{number: 4, wire: 2, kind: content, bytes: []byte("odd")}},
		{6, &field{number: 7, wire: 2, kind: fixed32s, bytes: m.float32s(make([]byte, 4*(1+m.IntN(4))))}},
		{7, &field{number: 8, wire: 2, kind: varints, bytes: pack(m.list(make([]uint64, 1+m.IntN(4))))}},
		{8, &field{number: 9, wire: 2, kind: content, bytes: []byte("odd")}},
	}
	k := kinds[m.IntN(len(kinds))]
	a.fields = slices.DeleteFunc(slices.Clone(a.fields), func(f *field) bool { return f.number != 1 && f.number != 20 })
	for i, f := range a.fields {
		if f.number == 20 {
			a.fields[i] = &field{number: 20, value: k.kind}
		}
	}
	a.fields = append(a.fields, k.value)
}

// shape gives a declared shape other dimensions.
func (m *mutator) shape(s *field) {
	dim := &field{number: 1, wire: 2, kind: dimension, fields: []*field{{number: 1, value: m.integer(1)}}}
	if m.IntN(4) == 0 {
		dim.fields = []*field{{number: 2, wire: 2, kind: name, bytes: []byte("n")}}
	}
	at := 0
	if len(s.fields) > 0 {
		at = m.IntN(len(s.fields))
	}
	switch s.fields = slices.Clone(s.fields); {
	case len(s.fields) == 0 || m.IntN(3) == 0:
		s.fields = slices.Insert(s.fields, at, dim)
	case m.IntN(4) == 0:
		s.fields = nil
	case m.IntN(3) == 0:
		s.fields = slices.Delete(s.fields, at, at+1)
	default:
		s.fields[at] = dim
	}
}
