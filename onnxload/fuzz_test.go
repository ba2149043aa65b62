package onnxload

import (
	"bytes"
	"os"
	"testing"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// FuzzDecode looks for panics, and for models that change when they are written and read again. Its seeds are the small
// exports and handmade models.
func FuzzDecode(f *testing.F) {
	f.Add(rich(f))
	f.Add(encode(f, shared()))
	for _, file := range modelFiles(f) {
		if b, err := os.ReadFile(file); err == nil && len(b) < 4<<10 {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Decode("m.onnx", bytes.Clone(b))
		if err != nil {
			return
		}
		g, err := m.NewGraph()
		if err != nil {
			return
		}
		if err := g.Check(); err != nil {
			t.Fatal(err)
		}
		w := Weights{Tensors: map[string]*tensor.Tensor{}}
		for name, s := range m.sites(m.flat) {
			w.Tensors[name] = s.stored.Clone()
			for i := range w.Tensors[name].Data {
				w.Tensors[name].Data[i] ^= byte(len(name))
			}
		}
		d, err := m.written(w)
		if err != nil {
			return // a function that cannot be expanded
		}
		out, err := Decode("out.onnx", encode(t, d.proto))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := out.NewGraph(); err != nil {
			t.Fatal(err)
		}
		for name, s := range out.sites(out.flat) {
			if want := w.Tensors[name]; want != nil && !same(s.stored, want) {
				t.Fatalf("%q is %v, want %v", name, s.stored.Float64s(), want.Float64s())
			}
		}
	})
}

// FuzzDecodeTensor looks for panics and for tensors whose data does not fit their shape.
func FuzzDecodeTensor(f *testing.F) {
	f.Add(encode(f, initializer("w", row(1, 2))))
	f.Add(encode(f, initializer("b", tensor.Vector(true, false))))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := DecodeTensor("t.pb", b)
		if err != nil {
			return
		}
		if want := p.Elems() * p.DType.Size(); len(p.Data) != want {
			t.Fatalf("%v has %d bytes, not %d", p, len(p.Data), want)
		}
		p.Float64s()
	})
}
