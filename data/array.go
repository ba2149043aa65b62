package data

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// array is a stored array whose first axis counts the examples. Its elements lie in memory or in a file.
type array struct {
	name  string // for messages
	dt    tensor.DType
	swap  bool // big-endian
	shape tensor.Shape

	data   []byte
	file   io.ReaderAt
	offset int64
}

func (a *array) rows() int { return a.shape[0] }

// row returns the bytes of one example, little-endian; they may be those of scratch.
func (a *array) row(i int, scratch []byte) ([]byte, error) {
	size := a.shape[1:].Elems() * a.dt.Size()
	if a.file == nil {
		row := a.data[i*size : (i+1)*size]
		if !a.swap {
			return row, nil
		}
		scratch = append(scratch[:0], row...)
	} else {
		scratch = slices.Grow(scratch[:0], size)[:size]
		if _, err := a.file.ReadAt(scratch, a.offset+int64(i)*int64(size)); err != nil {
			return nil, fmt.Errorf("%s: row %d: %w", a.name, i, noEOF(err))
		}
	}
	if a.swap {
		swapBytes(scratch, a.dt.Size())
	}
	return scratch, nil
}

// read writes row i into dst, converting the element type. Floating-point targets are multiplied by scale.
func (a *array) read(i int, dst *tensor.Tensor, scale float64) error {
	var scratch []byte
	if a.file != nil && a.dt == dst.DType {
		scratch = dst.Data // read straight into place
	}
	row, err := a.row(i, scratch)
	if err != nil {
		return err
	}
	if a.dt == dst.DType && scale == 1 {
		copy(dst.Data, row)
		return nil
	}
	src, err := tensor.FromBytes(a.dt, a.shape[1:], row)
	if err != nil {
		return fmt.Errorf("%s: row %d: %w", a.name, i, err)
	}
	if err := convert(dst, src, scale); err != nil {
		return fmt.Errorf("%s: row %d: %w", a.name, i, err)
	}
	return nil
}

// convert copies elements to another type; integers that do not fit are an error.
func convert(dst, src *tensor.Tensor, scale float64) error {
	if dst.DType.IsFloat() {
		v := src.Float64s()
		if scale != 1 {
			for i := range v {
				v[i] *= scale
			}
		}
		dst.SetFloat64s(v)
		return nil
	}
	v := src.Int64s()
	dst.SetInt64s(v)
	if dst.DType != tensor.Int64 && dst.DType != tensor.Bool && !slices.Equal(dst.Int64s(), v) {
		return fmt.Errorf("a value does not fit into %v", dst.DType)
	}
	return nil
}

func swapBytes(b []byte, size int) {
	for i := 0; i+size <= len(b); i += size {
		slices.Reverse(b[i : i+size])
	}
}

// rowMajor turns column-major elements of the given shape into row-major ones.
func rowMajor(data []byte, shape tensor.Shape, size int) []byte {
	out := make([]byte, len(data))
	index := make([]int, len(shape))
	for at := 0; at < len(out); at += size {
		from, step := 0, 1
		for axis, d := range shape {
			from += index[axis] * step
			step *= d
		}
		copy(out[at:at+size], data[from*size:])
		for axis := len(shape) - 1; axis >= 0; axis-- {
			if index[axis]++; index[axis] < shape[axis] {
				break
			}
			index[axis] = 0
		}
	}
	return out
}

// readExactly reads n bytes without believing n: memory grows with what arrives.
func readExactly(r io.Reader, n int64) ([]byte, error) {
	if n < 0 || n > math.MaxInt/2 {
		return nil, fmt.Errorf("%d bytes", n)
	}
	const step = 4 << 20
	out := make([]byte, 0, min(n, step))
	for int64(len(out)) < n {
		if len(out) == cap(out) {
			out = slices.Grow(out, int(min(n-int64(len(out)), int64(len(out)))))
		}
		room := out[len(out):min(int64(cap(out)), n)]
		got, err := io.ReadFull(r, room)
		out = out[:len(out)+got]
		if err != nil {
			return nil, noEOF(err)
		}
	}
	return out, nil
}

// noEOF says "truncated" where the io package says EOF.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("truncated")
	}
	return err
}
