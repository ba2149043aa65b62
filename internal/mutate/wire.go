package mutate

import "encoding/binary"

// field is a field of a message: a varint, fixed bytes, a length-delimited leaf, or a message with fields of its own.
type field struct {
	number uint64
	wire   uint64
	kind   kind
	value  uint64 // of a varint
	bytes  []byte // of anything else that is no message
	fields []*field
}

func (f *field) message() bool { return f.wire == 2 && f.kind >= model }

// parse reads the fields of a message; what is not well-formed ends it.
func parse(b []byte, k kind) []*field {
	var list []*field
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		if n <= 0 {
			return list
		}
		f := &field{number: tag >> 3, wire: tag & 7}
		f.kind = schema[k][f.number]
		rest, ok := f.read(b[n:])
		if !ok {
			return list
		}
		list, b = append(list, f), rest
	}
	return list
}

// read takes the field's value from the front of b.
func (f *field) read(b []byte) (rest []byte, ok bool) {
	size := 0
	switch f.wire {
	case 0:
		v, n := binary.Uvarint(b)
		f.value = v
		return b[max(n, 0):], n > 0
	case 1:
		size = 8
	case 2:
		l, n := binary.Uvarint(b)
		if n <= 0 || l > uint64(len(b)-n) {
			return nil, false
		}
		b, size = b[n:], int(l)
	case 5:
		size = 4
	default:
		return nil, false
	}
	if size > len(b) {
		return nil, false
	}
	if f.message() {
		f.fields = parse(b[:size], f.kind)
	} else {
		f.bytes = b[:size:size]
	}
	return b[size:], true
}

func write(b []byte, list []*field) []byte {
	for _, f := range list {
		b = binary.AppendUvarint(b, f.number<<3|f.wire)
		body := f.bytes
		if f.message() {
			body = write(nil, f.fields)
		}
		switch f.wire {
		case 0:
			b = binary.AppendUvarint(b, f.value)
			continue
		case 2:
			b = binary.AppendUvarint(b, uint64(len(body)))
		}
		b = append(b, body...)
	}
	return b
}

func unpack(b []byte) []uint64 {
	var list []uint64
	for len(b) > 0 {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return list
		}
		list, b = append(list, v), b[n:]
	}
	return list
}

func pack(list []uint64) []byte {
	var b []byte
	for _, v := range list {
		b = binary.AppendUvarint(b, v)
	}
	return b
}
