// Package onnxpb holds the messages that an ONNX file is made of, generated from onnx.proto.
package onnxpb

//go:generate ./generate.sh

// Raw is a bytes field that aliases the buffer it was decoded from, which must stay alive and unchanged.
type Raw []byte

// Unmarshal takes b without copying; its capacity is cut so that appending cannot write into the buffer.
func (r *Raw) Unmarshal(b []byte) error {
	*r = b[:len(b):len(b)]
	return nil
}

// Size is the encoded length.
func (r *Raw) Size() int { return len(*r) }

// MarshalTo copies the bytes into b, which has room for them.
func (r *Raw) MarshalTo(b []byte) (int, error) { return copy(b, *r), nil }

// Marshal returns the bytes.
func (r *Raw) Marshal() ([]byte, error) { return *r, nil }
