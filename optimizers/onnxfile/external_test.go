package onnxfile

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// lay writes an optimizer with external data, at a location of the file's choice, into a folder of its own beside a secret
// that looks like such data.
func lay(t *testing.T, location string) (path string) {
	t.Helper()
	root := t.TempDir()
	folder := filepath.Join(root, "optimizer")
	b, err := os.ReadFile(filepath.Join("testdata", "external.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	rate, err := os.ReadFile(filepath.Join("testdata", "parts", "rate.bin"))
	if err != nil {
		t.Fatal(err)
	}
	const original = "parts/rate.bin"
	if len(location) != len(original) || bytes.Count(b, []byte(original)) != 1 {
		t.Fatalf("%q cannot take the place of %q", location, original)
	}
	path = filepath.Join(folder, "external.onnx")
	for file, content := range map[string][]byte{
		path: bytes.Replace(b, []byte(original), []byte(location), 1), filepath.Join(folder, "parts", "rate.bin"): rate,
		filepath.Join(root, "secrets", "s.b"): rate, filepath.Join(root, "secret"): rate,
	} {
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join("..", "..", "secret"), filepath.Join(folder, "parts", "link.bin")); err != nil {
		t.Skip(err)
	}
	return path
}

// TestExternalDataStaysInTheFolder reads tensors beside an optimizer's file and nothing else.
func TestExternalDataStaysInTheFolder(t *testing.T) {
	path := lay(t, "parts/rate.bin")
	e, err := registry.Lookup(path)
	if err != nil {
		t.Fatal(err)
	}
	opt, h, err := e.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	p := []registry.ParamInfo{{Name: "w", Shape: tensor.Shape{2}, DType: tensor.Float32}}
	s, err := registry.NewStepper(opt, p, nil)
	if err != nil {
		t.Fatal(err)
	}
	w := tensor.Vector[float32](1, 2)
	if err := s.Step(registry.Context{Step: 1, LR: h.LR}, []*tensor.Tensor{w}, []*tensor.Tensor{tensor.Vector[float32](4, 8)}); err != nil {
		t.Fatal(err)
	}
	if x := w.F32(); x[0] != 0 || x[1] != 0 {
		t.Errorf("weights %v; the rate in the file is 0.25", x)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := try(t, b); err == nil {
		t.Error("the data is found without its file")
	}
	// Other data make another optimizer.
	rate := filepath.Join(filepath.Dir(path), "parts", "rate.bin")
	if err := os.WriteFile(rate, []byte("rate\x00\x00\x00\x3f"), 0o600); err != nil {
		t.Fatal(err)
	}
	other, err := registry.Lookup(path)
	if err != nil {
		t.Fatal(err)
	}
	if other.Digest == e.Digest || len(other.Digest) != 64 {
		t.Errorf("digests %q and, with other external data, %q", e.Digest, other.Digest)
	}
	for location, want := range map[string]string{
		"../secrets/s.b": "folder", "parts/../../x": "", "/etc/timezone_": "folder", "parts/link.bin": "parts/link.bin", "parts/none.bin": "parts/none.bin",
	} {
		if len(location) != len("parts/rate.bin") {
			location += strings.Repeat("_", len("parts/rate.bin")-len(location))
		}
		path := lay(t, location)
		_, err := registry.Lookup(path)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("external data at %q: error %v", location, err)
		}
	}
}
