package onnxload

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/onnxtrain/onnxtrain/onnxload/internal/onnxpb"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// loaded is a decoded tensor, or why it cannot be used.
type loaded struct {
	*tensor.Tensor
	err error
}

// tensor decodes a tensor.
func (r *reader) tensor(p *onnxpb.TensorProto) (*tensor.Tensor, error) {
	t, err := r.values(p)
	if err != nil {
		return nil, fmt.Errorf("tensor %q: %w", p.GetName(), err)
	}
	return t, nil
}

func (r *reader) values(p *onnxpb.TensorProto) (*tensor.Tensor, error) {
	dt, err := dtypeOf(p.GetDataType())
	if err != nil {
		return nil, err
	}
	shape, err := shapeOf(p.Dims, dt)
	if err != nil {
		return nil, err
	}
	if p.Segment != nil {
		return nil, errors.New("tensors in segments are not supported; save the model again with a current version of onnx")
	}
	typed, count := typedData(p, dt)
	switch {
	case p.GetDataLocation() == onnxpb.TensorProto_EXTERNAL:
		return r.external(p, dt, shape)
	case p.RawData != nil && count > 0:
		return nil, fmt.Errorf("it holds both raw data and %d %v numbers", count, dt)
	case p.RawData != nil && (len(*p.RawData) > 0 || shape.Elems() == 0):
		return r.raw(p, dt, shape)
	case count != shape.Elems():
		return nil, fmt.Errorf("%d elements for %v%v, which takes %d", count, dt, shape, shape.Elems())
	}
	t := tensor.New(dt, shape...)
	typed(t)
	return t, nil
}

func shapeOf(dims []int64, dt tensor.DType) (tensor.Shape, error) {
	shape := make(tensor.Shape, len(dims))
	for i, d := range dims {
		if d > math.MaxInt {
			return nil, fmt.Errorf("dimension %d is %d, which is larger than any memory", i, d)
		}
		shape[i] = int(d)
	}
	return shape, shape.Check(dt)
}

// smallRaw is the size from which raw data is viewed where it lies. A view of little data would hold the whole file's bytes
// when the large tensors have been let go (Model.Adopt).
const smallRaw = 64 << 10

// raw views the raw data, or copies it and lets the message point at the copy, so that the model does not hold both.
func (r *reader) raw(p *onnxpb.TensorProto, dt tensor.DType, shape tensor.Shape) (*tensor.Tensor, error) {
	b := *p.RawData
	if r.apart || len(b) < smallRaw {
		b = bytes.Clone(b)
	}
	t, err := fromBytes(dt, shape, b)
	if err == nil {
		*p.RawData = t.Data
	}
	return t, err
}

// scattered reports whether the raw data of some tensor does not lie where its elements can be read.
func scattered(m *onnxpb.ModelProto) bool {
	found := errors.New("found")
	look := func(p *onnxpb.TensorProto) error {
		dt, err := dtypeOf(p.GetDataType())
		if err == nil && p.RawData != nil && len(*p.RawData) > 0 && !tensor.Aligned(dt, *p.RawData) {
			return found
		}
		return nil
	}
	return walk{tensor: look, sparse: func(p *onnxpb.SparseTensorProto) error {
		for _, part := range []*onnxpb.TensorProto{p.Values, p.Indices} {
			if part != nil {
				return look(part)
			}
		}
		return nil
	}}.model(m) != nil
}

// fromBytes is tensor.FromBytes with bools held to 0 and 1, which Go relies on.
func fromBytes(dt tensor.DType, shape tensor.Shape, b []byte) (*tensor.Tensor, error) {
	t, err := tensor.FromBytes(dt, shape, b)
	if err != nil || dt != tensor.Bool || !slices.ContainsFunc(b, func(v byte) bool { return v > 1 }) {
		return t, err
	}
	t = t.Clone()
	for i, v := range t.Data {
		t.Data[i] = min(v, 1)
	}
	return t, nil
}

// typedData is the number of elements outside of raw data, and a function that writes them into a tensor of as many.
// Types that have no field of their own are stored in the low bits of int32s, uint32 in uint64s.
func typedData(p *onnxpb.TensorProto, dt tensor.DType) (write func(*tensor.Tensor), count int) {
	switch dt {
	case tensor.Float32:
		return func(t *tensor.Tensor) { copy(t.F32(), p.FloatData) }, len(p.FloatData)
	case tensor.Float64:
		return func(t *tensor.Tensor) { copy(tensor.Slice[float64](t), p.DoubleData) }, len(p.DoubleData)
	case tensor.Int64:
		return func(t *tensor.Tensor) { copy(t.I64(), p.Int64Data) }, len(p.Int64Data)
	case tensor.Uint64:
		return func(t *tensor.Tensor) { copy(tensor.Slice[uint64](t), p.Uint64Data) }, len(p.Uint64Data)
	case tensor.Uint32:
		return func(t *tensor.Tensor) {
			dst := tensor.Slice[uint32](t)
			for i, v := range p.Uint64Data {
				dst[i] = uint32(v)
			}
		}, len(p.Uint64Data)
	case tensor.Bool:
		return func(t *tensor.Tensor) {
			dst := tensor.Slice[bool](t)
			for i, v := range p.Int32Data {
				dst[i] = v != 0
			}
		}, len(p.Int32Data)
	default:
		size := dt.Size()
		return func(t *tensor.Tensor) {
			for i, v := range p.Int32Data {
				for k := range size {
					t.Data[i*size+k] = byte(v >> (8 * k))
				}
			}
		}, len(p.Int32Data)
	}
}

// load decodes all tensors of the model. Of those whose type is not supported the error is kept.
func (m *Model) load(r *reader) error {
	m.tensors = map[*onnxpb.TensorProto]loaded{}
	m.sparse = map[*onnxpb.SparseTensorProto]loaded{}
	r.apart = scattered(m.proto)
	keep := func(t *tensor.Tensor, err error) (loaded, error) {
		if errors.As(err, new(unsupportedType)) {
			return loaded{err: err}, nil
		}
		return loaded{Tensor: t}, err
	}
	return walk{
		tensor: func(p *onnxpb.TensorProto) (err error) {
			m.tensors[p], err = keep(r.tensor(p))
			return err
		},
		sparse: func(p *onnxpb.SparseTensorProto) (err error) {
			if m.sparse[p], err = keep(r.densify(p)); err != nil || m.sparse[p].err != nil {
				return err
			}
			for _, part := range []*onnxpb.TensorProto{p.Values, p.Indices} {
				t, err := r.tensor(part)
				if err != nil {
					return err
				}
				m.tensors[part] = loaded{Tensor: t}
			}
			return nil
		},
	}.model(m.proto)
}
