package tensor

import (
	"math"
)

// Float64s copies the elements out as float64: integers above 2^53 round, false and true are 0 and 1.
func (t *Tensor) Float64s() []float64 {
	out := make([]float64, t.Elems())
	t.CopyFloat64s(out)
	return out
}

// CopyFloat64s is Float64s into out, which has a place for each element.
func (t *Tensor) CopyFloat64s(out []float64) {
	switch t.DType {
	case Float32:
		widen(out, Slice[float32](t))
	case Float64:
		copy(out, Slice[float64](t))
	case Float16:
		for i, v := range Slice[Half](t) {
			out[i] = float64(v.Float32())
		}
	case BFloat16Type:
		for i, v := range Slice[BFloat16](t) {
			out[i] = float64(v.Float32())
		}
	case Bool:
		for i, v := range t.Data {
			out[i] = 0
			if v != 0 {
				out[i] = 1
			}
		}
	case Int8:
		widen(out, Slice[int8](t))
	case Int16:
		widen(out, Slice[int16](t))
	case Int32:
		widen(out, Slice[int32](t))
	case Int64:
		widen(out, Slice[int64](t))
	case Uint8:
		widen(out, Slice[uint8](t))
	case Uint16:
		widen(out, Slice[uint16](t))
	case Uint32:
		widen(out, Slice[uint32](t))
	case Uint64:
		widen(out, Slice[uint64](t))
	}
}

// SetFloat64s stores v, rounded once to the tensor's type: to nearest even for floating point, truncated towards
// zero and wrapped for integers, v != 0 for bool.
func (t *Tensor) SetFloat64s(v []float64) {
	switch t.DType {
	case Float32:
		narrow(Slice[float32](t), v)
	case Float64:
		copy(Slice[float64](t), v)
	case Float16:
		d := Slice[Half](t)
		for i := range d {
			d[i] = ToHalf(oddFloat32(v[i]))
		}
	case BFloat16Type:
		d := Slice[BFloat16](t)
		for i := range d {
			d[i] = ToBFloat16(oddFloat32(v[i]))
		}
	case Bool:
		for i := range t.Data {
			t.Data[i] = 0
			if v[i] != 0 {
				t.Data[i] = 1
			}
		}
	case Uint64:
		d := Slice[uint64](t)
		for i := range d {
			d[i] = uint64(v[i])
			if v[i] < 0 {
				d[i] = uint64(int64(v[i]))
			}
		}
	default:
		ints := make([]int64, len(v))
		for i := range v {
			ints[i] = int64(v[i])
		}
		t.SetInt64s(ints)
	}
}

// Int64s copies the elements out as int64: floating point is truncated, uint64 keeps its bits.
func (t *Tensor) Int64s() []int64 {
	out := make([]int64, t.Elems())
	switch t.DType {
	case Int64:
		copy(out, t.I64())
	case Uint64:
		for i, v := range Slice[uint64](t) {
			out[i] = int64(v)
		}
	default:
		for i, v := range t.Float64s() {
			out[i] = int64(v)
		}
	}
	return out
}

// SetInt64s stores v, wrapped to the tensor's width for integers, as the nearest number for floating point, as
// v != 0 for bool.
func (t *Tensor) SetInt64s(v []int64) {
	switch t.DType {
	case Int8:
		narrow(Slice[int8](t), v)
	case Int16:
		narrow(Slice[int16](t), v)
	case Int32:
		narrow(Slice[int32](t), v)
	case Int64:
		copy(t.I64(), v)
	case Uint8:
		narrow(Slice[uint8](t), v)
	case Uint16:
		narrow(Slice[uint16](t), v)
	case Uint32:
		narrow(Slice[uint32](t), v)
	case Uint64:
		narrow(Slice[uint64](t), v)
	default:
		floats := make([]float64, len(v))
		widen(floats, v)
		t.SetFloat64s(floats)
	}
}

// oddFloat32 rounds to odd, so that rounding again to a narrower type rounds the number once.
func oddFloat32(v float64) float32 {
	f := float32(v)
	if float64(f) == v || v != v || math.IsInf(float64(f), 0) && math.IsInf(v, 0) {
		return f
	}
	if math.Abs(float64(f)) > math.Abs(v) {
		f = math.Nextafter32(f, 0)
	}
	return math.Float32frombits(math.Float32bits(f) | 1)
}

type number interface {
	float32 | float64 | int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64
}

func widen[T number](dst []float64, src []T) {
	for i, v := range src {
		dst[i] = float64(v)
	}
}

func narrow[D, S number](dst []D, src []S) {
	for i := range dst {
		dst[i] = D(src[i])
	}
}
