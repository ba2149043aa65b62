package onnxload

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/onnxtrain/onnxtrain/onnxload/internal/onnxpb"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// externalModel stores a, b and the attribute c outside of the model file; a is large.
func externalModel(t *testing.T, dir string) *Model {
	t.Helper()
	big := tensor.New(tensor.Float32, 600)
	big.F32()[599] = 7
	write(t, filepath.Join(dir, "w.bin"), slices.Concat(big.Data, row(3, 4).Data))
	sparse := &onnxpb.SparseTensorProto{Dims: []int64{2}, Values: external("s", "w.bin", 1, 2400, 4),
		Indices: initializer("", tensor.Vector[int64](1))}
	g := graphOf("x", "y,p", some(external("a", "w.bin", 600, 0, 2400), external("b", "w.bin", 2, 2400, 8)),
		node("Constant", "", "c", attr("value", external("", "w.bin", 2, 2400, -1))), node("Sum", "x,b,c,s", "y"),
		node("Identity", "a", "p"))
	g.SparseInitializer = append(g.SparseInitializer, sparse)
	path := write(t, filepath.Join(dir, "m.onnx"), encode(t, file(g)))
	m, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func checkExternalModel(t *testing.T, path string) *Model {
	t.Helper()
	out, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if a := floatsOf(t, out, "a"); a[599] != 7 || !slices.Equal(floatsOf(t, out, "b"), []float64{5, 6}) ||
		!slices.Equal(floatsOf(t, out, "c"), []float64{3, 4}) || !slices.Equal(floatsOf(t, out, "s"), []float64{0, 3}) {
		t.Errorf("a…%v b%v c%v s%v", a[599], floatsOf(t, out, "b"), floatsOf(t, out, "c"), floatsOf(t, out, "s"))
	}
	return out
}

func TestSaveEmbedsExternalData(t *testing.T) {
	m, dir := externalModel(t, t.TempDir()), t.TempDir()
	path := filepath.Join(dir, "out.onnx")
	if err := m.Save(path, Weights{Tensors: map[string]*tensor.Tensor{"b": row(5, 6)}}); err != nil {
		t.Fatal(err)
	}
	out := checkExternalModel(t, path)
	wantFiles(t, dir, "out.onnx")
	if p := out.proto.Graph.Initializer[0]; p.DataLocation != nil || p.ExternalData != nil {
		t.Errorf("%v", p)
	}
	if m.proto.Graph.Initializer[0].GetDataLocation() != onnxpb.TensorProto_EXTERNAL {
		t.Error("saving changed the model in memory")
	}
}

func TestSaveMovesLargeModelsIntoExternalData(t *testing.T) {
	source := t.TempDir()
	m, dir := externalModel(t, source), t.TempDir()
	path := filepath.Join(dir, "out.onnx")
	w := Weights{Tensors: map[string]*tensor.Tensor{"b": row(5, 6)}, Overwrite: true}
	small := saver{limit: 2000}
	for range 3 {
		if err := m.save(path, w, small); err != nil {
			t.Fatal(err)
		}
		checkExternalModel(t, path)
	}
	// Every save writes a new data file and removes the one of the model that it replaced.
	wantFiles(t, dir, "out.onnx", "out.onnx.data")
	if info, _ := os.Stat(path); info.Size() > 2000 {
		t.Errorf("the model file has %d bytes", info.Size())
	}
	if err := m.save(path, w, saver{limit: 2000, written: func(temporary string) {
		write(t, temporary,
			nil)
	}}); !errors.Is(err, ErrVerify) {
		t.Errorf("%v", err)
	}
	wantFiles(t, dir, "out.onnx", "out.onnx.data")
	err := m.save(path, w, saver{limit: 100})
	wantError(t, fmt.Sprint(err), "bytes are left without the initializers, which is more than a file can have")
	wantFiles(t, dir, "out.onnx", "out.onnx.data")
	checkExternalModel(t, path)
	// The model's own data stays when it is saved over itself.
	own, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := own.save(path, w, small); err != nil {
		t.Fatal(err)
	}
	checkExternalModel(t, path)
	wantFiles(t, dir, "out.onnx", "out.onnx.2.data", "out.onnx.data")
}
