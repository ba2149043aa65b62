package onnxload

import (
	"bytes"
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// verify reads the file again and compares it with the draft and the weights, bit for bit.
func (d *draft) verify(file string, b []byte, w Weights) error {
	got, err := readModel(file, Options{})
	if err != nil {
		return err
	}
	if !bytes.Equal(got, b) {
		return fmt.Errorf("the %d bytes of the file are not the %d that were written", len(got), len(b))
	}
	m, err := Open(file, Options{MaxTensors: math.MaxInt64})
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

// same compares bits, so that a NaN equals itself.
func same(a, b *tensor.Tensor) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.DType == b.DType && a.Shape.Equal(b.Shape) && bytes.Equal(a.Data, b.Data)
}
