// Package tensor describes typed, shaped views of memory that somebody else owns.
package tensor

import "fmt"

// DType is an element type.
type DType uint8

const (
	Invalid DType = iota
	Float32
	Float64
	Float16
	BFloat16Type
	Int8
	Int16
	Int32
	Int64
	Uint8
	Uint16
	Uint32
	Uint64
	Bool
)

var dtypes = [...]struct {
	name string
	size int
}{
	{"invalid", 0}, {"float32", 4}, {"float64", 8}, {"float16", 2}, {"bfloat16", 2},
	{"int8", 1}, {"int16", 2}, {"int32", 4}, {"int64", 8},
	{"uint8", 1}, {"uint16", 2}, {"uint32", 4}, {"uint64", 8}, {"bool", 1},
}

func (d DType) String() string {
	if int(d) < len(dtypes) {
		return dtypes[d].name
	}
	return fmt.Sprintf("dtype(%d)", uint8(d))
}

// Size is the size of an element in bytes.
func (d DType) Size() int { return dtypes[d].size }

// IsFloat reports whether d is a floating-point type; only such values have gradients.
func (d DType) IsFloat() bool { return d >= Float32 && d <= BFloat16Type }

// IsInt reports whether d is a signed or unsigned integer type.
func (d DType) IsInt() bool { return d >= Int8 && d <= Uint64 }

// IsSigned reports whether d is a signed integer type.
func (d DType) IsSigned() bool { return d >= Int8 && d <= Int64 }
