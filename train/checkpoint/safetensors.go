package checkpoint

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// The format (github.com/huggingface/safetensors) is the length of a header as eight bytes, little-endian, the header, a
// JSON object of dtype, shape and offsets by name, and the elements, which the offsets cover without gap or overlap.

// Named is a tensor under its name.
type Named struct {
	Name   string
	Tensor *tensor.Tensor
}

const (
	maxHeader  = 100 << 20 // bytes, the format's own limit
	maxEntries = 100_000   // tensors; a header may not cost more than the data that it describes
	metadata   = "__metadata__"
)

var dtypeNames = map[tensor.DType]string{
	tensor.Float32: "F32", tensor.Float64: "F64", tensor.Float16: "F16", tensor.BFloat16Type: "BF16",
	tensor.Int8: "I8", tensor.Int16: "I16", tensor.Int32: "I32", tensor.Int64: "I64",
	tensor.Uint8: "U8", tensor.Uint16: "U16", tensor.Uint32: "U32", tensor.Uint64: "U64", tensor.Bool: "BOOL",
}

// entry is what a header says about a tensor.
type entry struct {
	DType   string  `json:"dtype"`
	Shape   []int64 `json:"shape"`
	Offsets []int64 `json:"data_offsets"`
}

// WriteTensors writes a safetensors file. The order in it depends on names and element types alone.
func WriteTensors(w io.Writer, tensors []Named, meta map[string]string) error {
	list := slices.Clone(tensors)
	// Wide elements first, so that all are aligned.
	slices.SortFunc(list, func(a, b Named) int {
		return cmp.Or(cmp.Compare(b.Tensor.DType.Size(), a.Tensor.DType.Size()), cmp.Compare(a.Name, b.Name))
	})
	header, err := encodeHeader(list, meta)
	if err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	for _, n := range list {
		if _, err := w.Write(n.Tensor.Data); err != nil {
			return err
		}
	}
	return nil
}

// encodeHeader is the header with its length before it.
func encodeHeader(list []Named, meta map[string]string) ([]byte, error) {
	if len(list) > maxEntries {
		return nil, fmt.Errorf("%d tensors are more than the %d that a file may hold", len(list), maxEntries)
	}
	b := bytes.NewBuffer(make([]byte, 8))
	b.WriteByte('{')
	put := func(name string, v any) error {
		key, err := json.Marshal(name)
		if err != nil {
			return err
		}
		value, err := json.Marshal(v)
		if err != nil {
			return err
		}
		if b.Len() > 9 {
			b.WriteByte(',')
		}
		fmt.Fprintf(b, "%s:%s", key, value)
		return nil
	}
	if len(meta) > 0 {
		if err := put(metadata, meta); err != nil {
			return nil, err
		}
	}
	seen, at := map[string]bool{metadata: true}, int64(0)
	for _, n := range list {
		dt, ok := dtypeNames[n.Tensor.DType]
		if !ok {
			return nil, fmt.Errorf("tensor %q: a file cannot hold %v", n.Name, n.Tensor.DType)
		}
		if seen[n.Name] {
			return nil, fmt.Errorf("two tensors are called %q", n.Name)
		}
		seen[n.Name] = true
		e := entry{DType: dt, Shape: []int64{}, Offsets: []int64{at, at + int64(len(n.Tensor.Data))}}
		for _, d := range n.Tensor.Shape {
			e.Shape = append(e.Shape, int64(d))
		}
		if err := put(n.Name, e); err != nil {
			return nil, err
		}
		at = e.Offsets[1]
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	if b.Len()-8 > maxHeader {
		return nil, fmt.Errorf("the header takes %d bytes, the format allows %d", b.Len()-8, maxHeader)
	}
	binary.LittleEndian.PutUint64(b.Bytes(), uint64(b.Len()-8))
	return b.Bytes(), nil
}

// encodedSize is the length of the file that WriteTensors writes, but for metadata.
func encodedSize(tensors []Named) int64 {
	header, err := encodeHeader(tensors, nil)
	n := int64(len(header))
	if err != nil {
		n = 0
	}
	for _, t := range tensors {
		n += int64(len(t.Tensor.Data))
	}
	return n
}

// Into says where ReadTensors puts a tensor of the given name, type and shape; nil leaves it out.
type Into func(name string, dt tensor.DType, shape tensor.Shape) (*tensor.Tensor, error)

// ReadTensors reads a safetensors file of size bytes. Nothing is allocated on the word of the header alone: into is called
// after the header as a whole was found to describe exactly the bytes that there are, in the order of the offsets. The
// result is the file's metadata.
func ReadTensors(r io.Reader, size int64, into Into) (map[string]string, error) {
	list, meta, err := readHeader(r, size)
	if err != nil {
		return nil, err
	}
	for _, t := range list {
		dst, err := into(t.name, t.dtype, t.shape)
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", t.name, err)
		}
		if dst == nil {
			if _, err := io.CopyN(io.Discard, r, t.size); err != nil {
				return nil, fmt.Errorf("tensor %q: %w", t.name, err)
			}
			continue
		}
		if dst.DType != t.dtype || !dst.Shape.Equal(t.shape) {
			return nil, fmt.Errorf("tensor %q is %v%v in the file and %v here", t.name, t.dtype, t.shape, dst)
		}
		if _, err := io.ReadFull(r, dst.Data); err != nil {
			return nil, fmt.Errorf("tensor %q: %w", t.name, err)
		}
	}
	return meta, nil
}

// described is a checked entry of a header.
type described struct {
	name  string
	dtype tensor.DType
	shape tensor.Shape
	begin int64
	size  int64
}

func readHeader(r io.Reader, size int64) ([]described, map[string]string, error) {
	var length [8]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, nil, fmt.Errorf("no safetensors header: %w", err)
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n > maxHeader || int64(n) > size-8 {
		return nil, nil, fmt.Errorf("a header of %d bytes in a file of %d", n, size)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return nil, nil, fmt.Errorf("no safetensors header: %w", err)
	}
	list, meta, err := parseHeader(text)
	if err != nil {
		return nil, nil, err
	}
	slices.SortStableFunc(list, func(a, b described) int { return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.size, b.size)) })
	at := int64(0)
	for _, t := range list {
		if t.begin != at {
			return nil, nil, fmt.Errorf("tensor %q begins at byte %d where %d is next; its data overlap others or leave a gap", t.name, t.begin, at)
		}
		at += t.size
	}
	if have := size - 8 - int64(n); at != have {
		return nil, nil, fmt.Errorf("the header describes %d bytes of data, the file has %d", at, have)
	}
	return list, meta, nil
}

// parseHeader goes through the object by hand, because json.Unmarshal takes the last of two equal keys.
func parseHeader(text []byte) ([]described, map[string]string, error) {
	if len(text) == 0 || text[0] != '{' {
		return nil, nil, fmt.Errorf("the header is no JSON object")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		return nil, nil, fmt.Errorf("header: %w", err)
	}
	var list []described
	var meta map[string]string
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, nil, fmt.Errorf("header: %w", err)
		}
		name, _ := token.(string) // a key is always a string
		if seen[name] {
			return nil, nil, fmt.Errorf("header: two tensors are called %q", name)
		}
		if seen[name] = true; len(seen) > maxEntries {
			return nil, nil, fmt.Errorf("header: more than %d tensors", maxEntries)
		}
		if name == metadata {
			if meta, err = parseMetadata(d); err != nil {
				return nil, nil, fmt.Errorf("header: %s: %w", metadata, err)
			}
			continue
		}
		var e entry
		if err := d.Decode(&e); err != nil {
			return nil, nil, fmt.Errorf("header: tensor %q: %w", name, err)
		}
		t, err := e.check(name)
		if err != nil {
			return nil, nil, fmt.Errorf("header: tensor %q: %w", name, err)
		}
		list = append(list, t)
	}
	if _, err := d.Token(); err != nil {
		return nil, nil, fmt.Errorf("header: %w", err)
	}
	if rest := bytes.Trim(text[d.InputOffset():], " "); len(rest) > 0 {
		return nil, nil, fmt.Errorf("header: %d bytes follow the object", len(rest))
	}
	return list, meta, nil
}

// parseMetadata reads an object of strings, of bounded number: a map takes far more memory than short entries in a file.
func parseMetadata(d *json.Decoder) (map[string]string, error) {
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.Join(errors.New("no JSON object"), err)
	}
	meta := map[string]string{}
	for d.More() {
		if len(meta) == maxEntries {
			return nil, fmt.Errorf("more than %d entries", maxEntries)
		}
		var pair [2]string
		for i := range pair {
			t, err := d.Token()
			if err != nil {
				return nil, err
			}
			s, ok := t.(string)
			if !ok {
				return nil, fmt.Errorf("%v is no string", t)
			}
			pair[i] = s
		}
		if _, twice := meta[pair[0]]; twice {
			return nil, fmt.Errorf("two entries are called %q", pair[0])
		}
		meta[pair[0]] = pair[1]
	}
	_, err := d.Token()
	return meta, err
}

func (e entry) check(name string) (described, error) {
	t := described{name: name, shape: tensor.Shape{}}
	for dt, n := range maps.All(dtypeNames) {
		if n == e.DType {
			t.dtype = dt
		}
	}
	if t.dtype == tensor.Invalid {
		return t, fmt.Errorf("unknown element type %q", e.DType)
	}
	if e.Shape == nil || len(e.Offsets) != 2 {
		return t, fmt.Errorf("an entry has dtype, shape and two data_offsets")
	}
	for _, d := range e.Shape {
		if d < 0 || d > math.MaxInt32 {
			return t, fmt.Errorf("dimension %d", d)
		}
		t.shape = append(t.shape, int(d))
	}
	if err := t.shape.Check(t.dtype); err != nil {
		return t, err
	}
	t.begin, t.size = e.Offsets[0], e.Offsets[1]-e.Offsets[0]
	if t.begin < 0 || e.Offsets[1] < t.begin {
		return t, fmt.Errorf("data from byte %d to %d", t.begin, e.Offsets[1])
	}
	if want := int64(t.shape.Elems() * t.dtype.Size()); t.size != want {
		return t, fmt.Errorf("%d bytes for %v%v, which takes %d", t.size, t.dtype, t.shape, want)
	}
	return t, nil
}
