package tensor

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Shape is a list of dimensions, outermost first; the empty shape is a scalar's.
type Shape []int

// Elems is the number of elements; it means nothing for a shape that Check refuses.
func (s Shape) Elems() int {
	n := 1
	for _, d := range s {
		n *= d
	}
	return n
}

// Check says whether the shape can exist: no negative dimension, and a size in bytes that fits into an int, as does that of
// the shape without dimensions of 0: products of some dimensions are safe then.
func (s Shape) Check(dt DType) error {
	bytes := max(dt.Size(), 1)
	for _, d := range s {
		if d < 0 {
			return fmt.Errorf("negative dimension in shape %v", s)
		}
		if d = max(d, 1); bytes > math.MaxInt/d {
			return fmt.Errorf("shape %v is larger than any memory", s)
		}
		bytes *= d
	}
	return nil
}

// Equal reports whether two shapes are the same.
func (s Shape) Equal(t Shape) bool { return slices.Equal(s, t) }

// Clone copies the shape; the clone of a scalar's shape is not nil.
func (s Shape) Clone() Shape { return append(Shape{}, s...) }

// String prints [2,3,4].
func (s Shape) String() string {
	var b strings.Builder
	b.WriteByte('[')
	for i, d := range s {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprint(&b, d)
	}
	b.WriteByte(']')
	return b.String()
}

// Strides are the row-major element strides.
func (s Shape) Strides() []int {
	strides := make([]int, len(s))
	step := 1
	for i := len(s) - 1; i >= 0; i-- {
		strides[i] = step
		step *= s[i]
	}
	return strides
}

// Axis resolves an axis that may count from the end, as ONNX allows.
func (s Shape) Axis(axis int) (int, error) {
	if axis < -len(s) || axis >= len(s) {
		return 0, fmt.Errorf("axis %d is outside of shape %v", axis, s)
	}
	if axis < 0 {
		axis += len(s)
	}
	return axis, nil
}

// Broadcast is the shape that numpy's rule gives to shapes used together.
func Broadcast(shapes ...Shape) (Shape, error) {
	rank := 0
	for _, s := range shapes {
		rank = max(rank, len(s))
	}
	out := make(Shape, rank)
	for i := range out {
		out[i] = 1
	}
	for _, s := range shapes {
		for i, d := range s {
			o := &out[i+rank-len(s)]
			switch {
			case *o == d || d == 1:
			case *o == 1:
				*o = d
			default:
				return nil, fmt.Errorf("shapes %v do not broadcast", shapes)
			}
		}
	}
	return out, nil
}

// BroadcastStrides are the element strides that walk a tensor of shape s as if it had shape to: 0 where it repeats.
func (s Shape) BroadcastStrides(to Shape) []int {
	strides := make([]int, len(to))
	step := 1
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] != 1 {
			strides[i+len(to)-len(s)] = step
		}
		step *= s[i]
	}
	return strides
}
