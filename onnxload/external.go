package onnxload

import (
	"crypto/sha1" // as the format has it
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/onnxtrain/onnxtrain/onnxload/internal/onnxpb"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// reader decodes tensors, of which some are stored in files beside the model.
type reader struct {
	folder    string   // of the model, "" when it has none
	root      *os.Root // the folder, once something is read from it
	roots     []string // Options.Roots
	hardLinks bool     // Options.HardLinks
	left      int64    // bytes that external and densified tensors may still take
	merged    bool     // Options.Merged
	// apart says that raw data is copied: where not all of it can be aliased, the file's bytes go once the model is decoded.
	apart bool
	// Tensors that name the same range share its memory.
	read   map[extent]*tensor.Tensor
	hashes map[string]string // SHA-1 by location
}

// extent is where an external tensor lies.
type extent struct {
	location       string
	offset, length int64
	checksum       string // SHA-1 of the file in hexadecimal digits, "" when it is not given
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

// extentOf reads the entries of a tensor. Keys that the format does not know are refused rather than passed over: what they
// were meant to say would not be done.
func extentOf(p *onnxpb.TensorProto, size int64) (extent, error) {
	e := extent{length: size}
	seen := map[string]bool{}
	for _, kv := range p.ExternalData {
		var err error
		key, v := kv.GetKey(), kv.GetValue()
		if seen[key] {
			return e, fmt.Errorf("external data has two entries %q", key)
		}
		seen[key] = true
		switch key {
		case "location":
			e.location = v
		case "offset":
			e.offset, err = strconv.ParseInt(v, 10, 64)
		case "length":
			e.length, err = strconv.ParseInt(v, 10, 64)
		case "checksum":
			e.checksum = strings.ToLower(v)
		default:
			return e, fmt.Errorf("external data has an entry %q; there are location, offset, length and checksum", key)
		}
		if err != nil {
			return e, fmt.Errorf("external data has %s %q", key, v)
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
	f, err := r.open(e.location)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if n := links(info); n > 1 && !r.hardLinks {
		return nil, fmt.Errorf("the file has %d names (hard links), of which one may be outside of the model's folder; copy it there, or say --allow-hardlinks", n)
	}
	if e.offset > info.Size() || e.length > info.Size()-e.offset {
		return nil, fmt.Errorf("bytes %d to %d of a file of %d", e.offset, e.offset+e.length, info.Size())
	}
	if err := r.take(e.length); err != nil {
		return nil, err
	}
	if err := r.check(e, f); err != nil {
		return nil, err
	}
	t := tensor.New(dt, shape...)
	if _, err := f.ReadAt(t.Data, e.offset); err != nil && !(errors.Is(err, io.EOF) && e.length == 0) {
		return nil, err
	}
	return fromBytes(dt, shape, t.Data)
}

// check compares a file with the checksum that the model gives.
func (r *reader) check(e extent, f *os.File) error {
	if e.checksum == "" {
		return nil
	}
	sum, ok := r.hashes[e.location]
	if !ok {
		h := sha1.New()
		if _, err := io.Copy(h, f); err != nil {
			return err
		}
		sum = hex.EncodeToString(h.Sum(nil))
		if r.hashes == nil {
			r.hashes = map[string]string{}
		}
		r.hashes[e.location] = sum
	}
	if sum != e.checksum {
		return fmt.Errorf("its SHA-1 is %s, the model says %s; one of the two files is of another export, or damaged", sum, e.checksum)
	}
	return nil
}

// open opens a file in the model's folder. Its handle refuses every path that leads out of it.
func (r *reader) open(location string) (*os.File, error) {
	if r.root == nil {
		root, err := os.OpenRoot(r.folder)
		if err != nil {
			return nil, err
		}
		r.root = root
	}
	f, err := openRegular(r.root.OpenFile, location)
	if err == nil {
		return f, nil
	}
	if linked, ok := r.openLinked(location); ok {
		return linked, nil
	}
	return nil, err
}

// openLinked opens what a symbolic link in the folder leads to, if that lies in one of the roots. The root's handle opens it,
// so that nothing is won by exchanging links meanwhile.
func (r *reader) openLinked(location string) (*os.File, bool) {
	folder, err := filepath.Abs(r.folder)
	if err != nil {
		return nil, false
	}
	roots := r.roots
	if snapshots := filepath.Dir(folder); filepath.Base(snapshots) == "snapshots" {
		// The cache of huggingface_hub: snapshots/REVISION holds links into blobs.
		roots = append(slices.Clone(roots), filepath.Join(snapshots, "..", "blobs"))
	}
	if len(roots) == 0 {
		return nil, false
	}
	target, err := filepath.EvalSymlinks(filepath.Join(folder, location))
	if err != nil {
		return nil, false
	}
	for _, dir := range roots {
		if f, err := openBelow(dir, target); err == nil {
			return f, true
		}
	}
	return nil, false
}

// openBelow opens a file, given without links in its path, if it lies in a folder.
func openBelow(dir, target string) (*os.File, error) {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	if target, err = filepath.Abs(target); err != nil {
		return nil, err
	}
	name, err := filepath.Rel(dir, target)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return openRegular(root.OpenFile, name)
}

func (r *reader) close() {
	if r.root != nil {
		r.root.Close()
	}
}

// take accounts for memory that is not in proportion to the model file.
func (r *reader) take(bytes int64) error {
	if bytes > r.left {
		return fmt.Errorf("%d bytes are %w, of which %d are left for tensors", bytes, ErrTooLarge, r.left)
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
