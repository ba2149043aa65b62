package mutate

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
)

// Bytes returns b with one to eight changes that know nothing of a format: bits and bytes changed, runs left out, repeated or
// copied from elsewhere, numbers replaced by those that checks forget, the end cut off.
func Bytes(b []byte, r *rand.Rand) []byte {
	b = slices.Clone(b)
	for range 1 + r.IntN(8) {
		if len(b) == 0 {
			return b
		}
		at := r.IntN(len(b))
		n := 1 + r.IntN(min(16, len(b)-at))
		switch r.IntN(9) {
		case 0, 1:
			b[at] ^= 1 << r.IntN(8)
		case 2:
			b[at] = []byte{0, 1, 0x7f, 0x80, 0xff, '0', '9', '-', ' ', '\n', byte(r.Uint32())}[r.IntN(11)]
		case 3:
			b = slices.Delete(b, at, at+n)
		case 4:
			b = slices.Insert(b, at, bytes.Clone(b[at:at+n])...)
		case 5:
			copy(b[at:at+n], b[r.IntN(len(b)-n+1):])
		case 6, 7:
			overwrite(b[at:], uint64(integers[r.IntN(len(integers))]), r)
		case 8:
			if r.IntN(4) == 0 {
				b = b[:at]
			}
		}
	}
	return b
}

// overwrite puts over the front of b a number of some width and byte order.
func overwrite(b []byte, v uint64, r *rand.Rand) {
	var wide [8]byte
	if r.IntN(2) == 0 {
		binary.LittleEndian.PutUint64(wide[:], v)
		copy(b, wide[:1<<r.IntN(4)])
		return
	}
	binary.BigEndian.PutUint64(wide[:], v)
	copy(b, wide[8-1<<r.IntN(4):])
}

// Cut returns the model b up to a border between two of its fields, at any depth.
func Cut(b []byte, r *rand.Rand) []byte {
	s := spans(b, model, 0)
	if len(s) == 0 {
		return nil
	}
	x := s[r.IntN(len(s))]
	return bytes.Clone(b[:[]int{x.start, x.length, x.body, x.end}[r.IntN(4)]])
}

// Inflate returns the model b with the length of one field, at any depth, or a varint in it, replaced by another number. What
// is around it is left as it was.
func Inflate(b []byte, r *rand.Rand) []byte {
	s := spans(b, model, 0)
	if len(s) == 0 {
		return b
	}
	x := s[r.IntN(len(s))]
	old, _ := binary.Uvarint(b[x.length:])
	v := uint64(integers[r.IntN(len(integers))])
	if r.IntN(2) == 0 {
		v = old + uint64(r.IntN(64)) - 32
	}
	return slices.Concat(b[:x.length], binary.AppendUvarint(nil, v), b[x.body:])
}

// Nest returns the model b with messages around its graph: attributes in subgraphs, types in types, some or very many.
func Nest(b []byte, r *rand.Rand) []byte {
	cycles := [][]uint64{
		{7, 1, 5, 6}, // graph, node, attribute, graph …
		{7, 11, 2, 4, 1},
		{25, 7, 5, 6, 1, 5, 6},
	}
	c := cycles[r.IntN(len(cycles))]
	depth := 1 << (1 + r.IntN(17))
	inner := []byte{0x0a, 0}
	// From the inside out, the lengths first, so that this takes time in proportion to the result.
	heads := make([][]byte, depth)
	size := len(inner)
	for i := range heads {
		field := c[(depth-1-i)%len(c)]
		head := binary.AppendUvarint(nil, field<<3|2)
		heads[i] = binary.AppendUvarint(head, uint64(size))
		size += len(heads[i])
	}
	slices.Reverse(heads)
	out := bytes.Clone(b)
	if r.IntN(2) == 0 {
		out = nil
	}
	for _, h := range heads {
		out = append(out, h...)
	}
	return append(out, inner...)
}

// span is where a field lies: its tag, the varint after it, and, of a length-delimited one, its body.
type span struct{ start, length, body, end int }

// spans lists the varints and length-delimited fields of a message at base.
func spans(b []byte, k kind, base int) []span {
	var list []span
	for at := 0; at < len(b); {
		tag, n := binary.Uvarint(b[at:])
		if n <= 0 {
			return list
		}
		f := &field{number: tag >> 3, wire: tag & 7}
		f.kind = schema[k][f.number]
		rest, ok := f.read(b[at+n:])
		if !ok {
			return list
		}
		end := len(b) - len(rest)
		if f.wire == 0 || f.wire == 2 {
			_, width := binary.Uvarint(b[at+n:])
			list = append(list, span{base + at, base + at + n, base + at + n + width, base + end})
			if f.message() {
				list = append(list, spans(b[at+n+width:end], f.kind, base+at+n+width)...)
			}
		}
		at = end
	}
	return list
}
