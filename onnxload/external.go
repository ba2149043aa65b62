package onnxload

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/onnxtrain/onnxtrain/onnxload/internal/onnxpb"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// reader decodes tensors, of which some are stored in files beside the model.
type reader struct {
	folder string   // of the model, "" when it has none
	root   *os.Root // the folder, once something is read from it
	left   int64    // bytes that external and densified tensors may still take
	merged bool     // Options.Merged
	// Tensors that name the same range share its memory.
	read map[extent]*tensor.Tensor
}

// extent is where an external tensor lies.
type extent struct {
	location       string
	offset, length int64
}

// external reads a tensor from a file in the model's folder. The folder's handle refuses every path that leads out of it,
// by dots, links or otherwise; a file with a second name could be one from outside, so it is refused as well (CVE-2026-34446).
func (r *reader) external(p *onnxpb.TensorProto, dt tensor.DType, shape tensor.Shape) (*tensor.Tensor, error) {
	size := int64(shape.Elems() * dt.Size())
	e, err := extentOf(p, size)
	if err != nil {
		return nil, err
	}
	if r.folder == "" {
		return nil, fmt.Errorf("its data is in the file %q; open the model by its path", e.location)
	}
	if t := r.read[e]; t != nil && t.DType == dt {
		return &tensor.Tensor{DType: dt, Shape: shape, Data: t.Data}, nil
	}
	t, err := r.readExtent(e, dt, shape)
	if err != nil {
		return nil, fmt.Errorf("external data %q: %w", e.location, err)
	}
	if r.read == nil {
		r.read = map[extent]*tensor.Tensor{}
	}
	r.read[e] = t
	return t, nil
}

func extentOf(p *onnxpb.TensorProto, size int64) (extent, error) {
	e := extent{length: size}
	for _, kv := range p.ExternalData {
		var err error
		switch v := kv.GetValue(); kv.GetKey() {
		case "location":
			e.location = v
		case "offset":
			e.offset, err = strconv.ParseInt(v, 10, 64)
		case "length":
			e.length, err = strconv.ParseInt(v, 10, 64)
		}
		if err != nil {
			return e, fmt.Errorf("external data has %s %q", kv.GetKey(), kv.GetValue())
		}
	}
	switch {
	case e.location == "":
		return e, errors.New("external data has no location")
	case !filepath.IsLocal(e.location) || strings.ContainsAny(e.location, "\\\x00"):
		return e, fmt.Errorf("external data is at %q; only files in the model's folder are read", e.location)
	case e.length != size:
		return e, fmt.Errorf("external data has %d bytes, the tensor takes %d", e.length, size)
	case e.offset < 0:
		return e, fmt.Errorf("external data starts at %d", e.offset)
	}
	return e, nil
}

func (r *reader) readExtent(e extent, dt tensor.DType, shape tensor.Shape) (*tensor.Tensor, error) {
	if r.root == nil {
		root, err := os.OpenRoot(r.folder)
		if err != nil {
			return nil, err
		}
		r.root = root
	}
	f, err := openRegular(r.root.OpenFile, e.location)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if n := links(info); n > 1 {
		return nil, fmt.Errorf("the file has %d names (hard links), of which one may be outside of the model's folder; copy it there", n)
	}
	if e.offset > info.Size() || e.length > info.Size()-e.offset {
		return nil, fmt.Errorf("bytes %d to %d of a file of %d", e.offset, e.offset+e.length, info.Size())
	}
	if err := r.take(e.length); err != nil {
		return nil, err
	}
	t := tensor.New(dt, shape...)
	if _, err := f.ReadAt(t.Data, e.offset); err != nil && !(errors.Is(err, io.EOF) && e.length == 0) {
		return nil, err
	}
	return fromBytes(dt, shape, t.Data)
}

func (r *reader) close() {
	if r.root != nil {
		r.root.Close()
	}
}

// take accounts for memory that is not in proportion to the model file.
func (r *reader) take(bytes int64) error {
	if bytes > r.left {
		return fmt.Errorf("%d bytes exceed what is left of the limit on tensors; raise Options.MaxTensors", bytes)
	}
	r.left -= bytes
	return nil
}

// openRegular opens a file for reading and refuses what is not a regular one. It does not wait for a pipe's writer.
func openRegular(open func(string, int, fs.FileMode) (*os.File, error), path string) (*os.File, error) {
	f, err := open(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", path)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
