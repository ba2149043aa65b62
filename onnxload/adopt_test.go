package onnxload

import (
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"weak"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// adopted opens a model and gives it copies of its weights, which it returns.
func adopted(t *testing.T, file string) (*Model, map[string]*tensor.Tensor) {
	t.Helper()
	m, err := Open(file, Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := map[string]*tensor.Tensor{}
	for name, s := range m.sites(m.flat) {
		w[name] = s.stored.Clone()
	}
	m.Adopt(w)
	return m, w
}

// TestAdoptedWeightsAreSaved changes weights that a model has adopted and saves them, by name and as they are in the model.
func TestAdoptedWeightsAreSaved(t *testing.T) {
	for _, file := range modelFiles(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			plain, err := Open(file, Options{})
			if err != nil {
				t.Fatal(err)
			}
			m, w := adopted(t, file)
			for _, x := range w {
				values := x.Float64s()
				for i := range values {
					values[i] = 0.5 * float64(i%7)
				}
				x.SetFloat64s(values)
			}
			want, got := saved(t, plain, w), saved(t, m, w)
			for name := range w {
				if !slices.Equal(floatsOf(t, got, name), floatsOf(t, want, name)) {
					t.Errorf("%q has other elements than without Adopt", name)
				}
			}
			live := saved(t, m, nil)
			for name, x := range w {
				if s := m.sites(m.flat)[name]; s.stored == x && !slices.Equal(floatsOf(t, live, name), x.Float64s()) {
					t.Errorf("%q is not what the tensor holds", name)
				}
			}
		})
	}
}

// TestAdoptedWeightsAreHeldOnce looks whether the collector takes the file's own weights.
func TestAdoptedWeightsAreHeldOnce(t *testing.T) {
	for _, name := range []string{"mlp.onnx", "resnet20.onnx"} {
		m, err := Open(filepath.Join("..", "models", name), Options{})
		if err != nil {
			t.Fatal(err)
		}
		had, w := map[string]weak.Pointer[byte]{}, map[string]*tensor.Tensor{}
		for name, s := range m.sites(m.flat) {
			had[name], w[name] = weak.Make(&s.stored.Data[0]), s.stored.Clone()
		}
		m.Adopt(w)
		runtime.GC()
		for name, p := range had {
			if p.Value() != nil {
				t.Errorf("%s: %q is held twice", m.Path, name)
			}
		}
		runtime.KeepAlive(m)
	}
}
