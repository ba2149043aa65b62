package data

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

func init() {
	Register("npy", Format{
		Doc:     "a .npy file for each of the model's inputs, in its order, then one of labels; read from disk as needed",
		Example: "npy:x.npy,y.npy",
		Options: []Option{
			{"scale", "factor for floating-point inputs, such as 0.00392156862745098 for bytes (1)"},
			{"max", "bytes of column-major arrays to load into memory at most (8589934592, or half of what there is)"},
		},
		Open: openNpy,
	})
}

func openNpy(q Request) (_ Dataset, err error) {
	scale := q.Options.Float("scale", 1, -1e30, 1e30)
	limit := budgetOf(q.Options).limit
	if err := q.Options.Err(); err != nil {
		return nil, err
	}
	paths := strings.Split(q.Path, ",")
	if len(paths) != len(q.Want.Inputs)+1 {
		return nil, fmt.Errorf("%d files for %d inputs and a label; write npy:INPUT.npy,LABEL.npy", len(paths), len(q.Want.Inputs))
	}
	var files []*os.File
	closeAll := func() error {
		var all error
		for _, f := range files {
			all = errors.Join(all, f.Close())
		}
		return all
	}
	defer func() {
		if err != nil {
			closeAll()
		}
	}()
	var columns []*array
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
		info, err := f.Stat()
		if err != nil {
			return nil, err
		}
		a, err := readNpy(f, info.Size(), path, &limit)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		columns = append(columns, a)
	}
	d, err := newArrays(columns, q.Want, scale, closeAll)
	if err != nil {
		return nil, err
	}
	return d, nil
}

// npyFile is what readNpy reads: a file.
type npyFile interface {
	io.Reader
	io.ReaderAt
}

// readNpy reads the header; the elements stay in the file, unless they are column-major.
func readNpy(f npyFile, size int64, name string, limit *int64) (*array, error) {
	h, head, err := readNpyHeader(f)
	if err != nil {
		return nil, err
	}
	body := int64(h.Shape.Elems()) * int64(h.DType.Size())
	if size-head != body {
		return nil, fmt.Errorf("%v takes %d bytes, the file holds %d", describeType(h.DType, h.Shape), body, size-head)
	}
	a := &array{name: name, dt: h.DType, swap: h.BigEndian, shape: h.Shape, file: f, offset: head}
	if !h.Fortran {
		return a, nil
	}
	if *limit -= body; *limit < 0 {
		return nil, fmt.Errorf("%d column-major bytes are more than max allows; save with numpy.ascontiguousarray, or raise ?max=", body)
	}
	data, err := readExactly(f, body)
	if err != nil {
		return nil, err
	}
	a.file, a.data = nil, rowMajor(data, h.Shape, h.DType.Size())
	return a, nil
}
