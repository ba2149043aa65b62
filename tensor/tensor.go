package tensor

import (
	"fmt"
	"unsafe"
)

// Tensor is a dense row-major view of memory that somebody else owns.
type Tensor struct {
	DType DType
	Shape Shape
	// Data is the elements in the machine's byte order, which is little-endian; its start is aligned to the
	// element's size.
	Data []byte
}

// Element is a Go type that tensor elements have.
type Element interface {
	float32 | float64 | Half | BFloat16 | int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64 | bool
}

// New makes a tensor of zeros in fresh memory.
func New(dt DType, shape ...int) *Tensor {
	s := Shape(shape).Clone()
	// Backed by words so that every element type is aligned.
	words := make([]uint64, (s.Elems()*dt.Size()+7)/8)
	data := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), s.Elems()*dt.Size())
	return &Tensor{DType: dt, Shape: s, Data: data}
}

// Of makes a tensor of the given values in fresh memory. It panics when their number does not fit the shape.
func Of[T Element](shape Shape, values ...T) *Tensor {
	t := New(dtypeOf[T](), shape...)
	if len(values) != shape.Elems() {
		panic(fmt.Sprintf("tensor: %d values for shape %v", len(values), shape))
	}
	copy(Slice[T](t), values)
	return t
}

// Scalar makes a tensor of rank 0.
func Scalar[T Element](v T) *Tensor { return Of(Shape{}, v) }

// Vector makes a tensor of rank 1.
func Vector[T Element](v ...T) *Tensor { return Of(Shape{len(v)}, v...) }

// FromBytes views b, of exactly the right length, as a tensor. It copies when b is not aligned to the element.
func FromBytes(dt DType, shape Shape, b []byte) (*Tensor, error) {
	if err := shape.Check(dt); err != nil {
		return nil, err
	}
	if want := shape.Elems() * dt.Size(); len(b) != want {
		return nil, fmt.Errorf("%d bytes for %v %v, which takes %d", len(b), dt, shape, want)
	}
	if !Aligned(dt, b) {
		t := New(dt, shape...)
		copy(t.Data, b)
		return t, nil
	}
	return &Tensor{DType: dt, Shape: shape.Clone(), Data: b}, nil
}

// Aligned reports whether elements can be read where b begins.
func Aligned(dt DType, b []byte) bool {
	return uintptr(unsafe.Pointer(unsafe.SliceData(b)))%uintptr(max(dt.Size(), 1)) == 0
}

// Slice is the elements as a Go slice over the same memory. It panics when T is not the tensor's element type.
func Slice[T Element](t *Tensor) []T {
	if dt := dtypeOf[T](); dt != t.DType {
		panic(fmt.Sprintf("tensor: %v elements asked of a %v tensor", dt, t.DType))
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(t.Data))), len(t.Data)/t.DType.Size())
}

// F32 is Slice[float32].
func (t *Tensor) F32() []float32 { return Slice[float32](t) }

// I64 is Slice[int64].
func (t *Tensor) I64() []int64 { return Slice[int64](t) }

// Elems is the number of elements.
func (t *Tensor) Elems() int { return t.Shape.Elems() }

// Clone copies the tensor into fresh memory.
func (t *Tensor) Clone() *Tensor {
	c := New(t.DType, t.Shape...)
	copy(c.Data, t.Data)
	return c
}

// Reshape views the same memory under another shape of as many elements.
func (t *Tensor) Reshape(shape ...int) *Tensor {
	if Shape(shape).Elems() != t.Elems() {
		panic(fmt.Sprintf("tensor: shape %v viewed as %v", t.Shape, shape))
	}
	return &Tensor{DType: t.DType, Shape: Shape(shape).Clone(), Data: t.Data}
}

func (t *Tensor) String() string { return fmt.Sprintf("%v%v", t.DType, t.Shape) }

func dtypeOf[T Element]() DType {
	var zero T
	switch any(zero).(type) {
	case float32:
		return Float32
	case float64:
		return Float64
	case Half:
		return Float16
	case BFloat16:
		return BFloat16Type
	case int8:
		return Int8
	case int16:
		return Int16
	case int32:
		return Int32
	case int64:
		return Int64
	case uint8:
		return Uint8
	case uint16:
		return Uint16
	case uint32:
		return Uint32
	case uint64:
		return Uint64
	default:
		return Bool
	}
}

// The element views above take the machine to be little-endian, as ONNX's raw data is.
var _ = func() struct{} {
	one := uint16(1)
	if *(*byte)(unsafe.Pointer(&one)) != 1 {
		panic("tensor: big-endian machines are not supported")
	}
	return struct{}{}
}()
