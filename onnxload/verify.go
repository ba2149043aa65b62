package onnxload

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// verify reads the file again and compares it with what was written, b, and that with the draft and the weights, bit for bit.
func (d *draft) verify(file string, b []byte, w Weights) error {
	if err := sameBytes(file, b); err != nil {
		return err
	}
	r := &reader{folder: filepath.Dir(file), left: math.MaxInt64}
	defer r.close()
	m, err := decode(file, b, r)
	if err != nil {
		return err
	}
	if _, err := m.NewGraph(); err != nil {
		return err
	}
	for i, p := range d.proto.Graph.Initializer {
		q := m.proto.Graph.Initializer[i]
		if p.GetName() != q.GetName() || !same(d.tensors[p].Tensor, m.tensors[q].Tensor) {
			return fmt.Errorf("initializer %q is %v, not the %v that was written", q.GetName(), m.tensors[q].Tensor,
				d.tensors[p].Tensor)
		}
	}
	sites := m.sites(m.flat)
	for _, name := range sortedKeys(w.Tensors) {
		stored := sites[name].stored
		if stored == nil {
			return fmt.Errorf("weight %q is missing", name)
		}
		want, err := asStored(w.Tensors[name], stored)
		if err == nil && !same(want, stored) {
			err = fmt.Errorf("it is %v with other elements", stored)
		}
		if err != nil {
			return fmt.Errorf("weight %q: %w", name, err)
		}
	}
	return nil
}

// sameBytes compares a file with b, a part at a time: both can be large.
func sameBytes(file string, b []byte) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	part, at := make([]byte, 1<<20), 0
	for {
		n, err := f.Read(part)
		if at+n > len(b) || !bytes.Equal(part[:n], b[at:at+n]) {
			return fmt.Errorf("the file's bytes from %d on are not those that were written", at)
		}
		switch at += n; {
		case err == io.EOF && at == len(b):
			return nil
		case err == io.EOF:
			return fmt.Errorf("the file has %d bytes, not the %d that were written", at, len(b))
		case err != nil:
			return err
		}
	}
}

// same compares bits, so that a NaN equals itself.
func same(a, b *tensor.Tensor) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.DType == b.DType && a.Shape.Equal(b.Shape) && bytes.Equal(a.Data, b.Data)
}
