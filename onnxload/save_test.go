package onnxload

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/onnxload/internal/onnxpb"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// saved saves with the given weights and opens the file again.
func saved(t *testing.T, m *Model, tensors map[string]*tensor.Tensor) *Model {
	t.Helper()
	path := filepath.Join(t.TempDir(), "out.onnx")
	if err := m.Save(path, Weights{Tensors: tensors}); err != nil {
		t.Fatal(err)
	}
	out, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	mustGraph(t, out)
	return out
}

func floatsOf(t *testing.T, m *Model, name string) []float64 {
	t.Helper()
	s, ok := m.sites(m.flat)[name]
	if !ok {
		t.Fatalf("%q is stored nowhere", name)
	}
	return s.stored.Float64s()
}

func nodeTypes(m *Model) string {
	var list []string
	for _, n := range m.proto.Graph.Node {
		list = append(list, n.GetOpType())
	}
	return strings.Join(list, " ")
}

// TestSavingTheSameWeightsChangesNothingButTheForm also writes the weights as they are by name.
func TestSavingTheSameWeightsChangesNothingButTheForm(t *testing.T) {
	for _, file := range modelFiles(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			m, err := Open(file, Options{})
			if err != nil {
				t.Fatal(err)
			}
			w := map[string]*tensor.Tensor{}
			for name, s := range m.sites(m.flat) {
				w[name] = s.stored.Clone()
			}
			before := encode(t, m.proto)
			out := saved(t, m, w)
			if !bytes.Equal(encode(t, m.proto), before) {
				t.Error("saving changed the model in memory")
			}
			got, want := out.proto, *m.proto
			trained := false
			for _, n := range m.proto.Graph.Node {
				trained = trained || n.GetOpType() == "Dropout" || n.GetOpType() == "BatchNormalization"
			}
			if !trained && !bytes.Equal(encode(t, got), before) {
				t.Error("a model without training form came out different")
			}
			// Apart from nodes and value_info, everything is as it was.
			graph := *want.Graph
			graph.Node, graph.ValueInfo = got.Graph.Node, got.Graph.ValueInfo
			want.Graph = &graph
			if !bytes.Equal(encode(t, got), encode(t, &want)) {
				t.Error("more than the form of nodes is different")
			}
		})
	}
}

func TestSaveWritesEveryKindOfInitializer(t *testing.T) {
	typed := &onnxpb.TensorProto{Name: ptr("typed"), DataType: ptr[int32](1), Dims: []int64{2}, FloatData: []float32{1,
		2}, DocString: ptr("doc")}
	half := &onnxpb.TensorProto{Name: ptr("half"), DataType: ptr[int32](10), Dims: []int64{2}, Int32Data: []int32{0x3c00, 0x4000}}
	raw := initializer("raw", row(1, 2))
	raw.XXX_unrecognized = []byte{0xf8, 0x01, 0x07} // field 31, a number
	g := graphOf("x", "y", some(typed, half, raw, initializer("same", row(5, 6))),
		node("Add", "x,typed", "a"), node("Add", "a,raw", "b"), node("Add", "b,same", "c"), node("Add", "c,sparse", "y"),
		node("Cast", "half", "h", attr("to", 1)))
	g.SparseInitializer = []*onnxpb.SparseTensorProto{{Dims: []int64{2}, Values: initializer("sparse", row(3)),
		Indices: initializer("", tensor.Vector[int64](1))}}
	p := file(g)
	p.MetadataProps = []*onnxpb.StringStringEntryProto{entry("old", "1"), entry("kept", "2")}
	p.XXX_unrecognized = []byte{0xf8, 0x01, 0x09}
	m := mustDecode(t, p)
	path := filepath.Join(t.TempDir(), "out.onnx")
	w := Weights{Metadata: map[string]string{"old": "new", "more": "3"}, Tensors: map[string]*tensor.Tensor{
		"typed": row(10, 20), "half": row(0.1, -70000), "raw": row(30, 40), "sparse": row(7, 8)}}
	if err := m.Save(path, w); err != nil {
		t.Fatal(err)
	}
	out, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	g = out.proto.Graph
	for name, want := range map[string][]float64{"typed": {10, 20}, "raw": {30, 40}, "same": {5, 6}, "sparse": {7, 8}} {
		if got := floatsOf(t, out, name); !slices.Equal(got, want) {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
	if half := out.sites(out.flat)["half"].stored; half.DType != tensor.Float16 || !nearly(half.Float64s()[0],
		0.0999755859375) || half.Float64s()[1] > -65504 {
		t.Errorf("half is %v %v", half, half.Float64s())
	}
	if d := g.Initializer[0].GetDocString(); d != "doc" || g.Initializer[0].FloatData != nil {
		t.Errorf("doc string %q, float_data %v", d, g.Initializer[0].FloatData)
	}
	if len(g.SparseInitializer) != 0 || !bytes.Equal(g.Initializer[2].XXX_unrecognized, raw.XXX_unrecognized) ||
		!bytes.Equal(out.proto.XXX_unrecognized, p.XXX_unrecognized) {
		t.Error("unknown fields are lost, or the sparse initializer is still there")
	}
	if got := fmt.Sprint(out.proto.MetadataProps[0].GetValue(), out.proto.MetadataProps[1].GetValue(),
		out.Metadata); got != "new2map[kept:2 more:3 old:new]" {
		t.Errorf("metadata %s", got)
	}
}

func TestSaveRefuses(t *testing.T) {
	m := mustDecode(t, shared())
	dir := t.TempDir()
	there := write(t, filepath.Join(dir, "there.onnx"), []byte("precious"))
	for _, c := range []struct {
		path string
		w    Weights
		want string
	}{
		{there, Weights{}, "there.onnx exists already"},
		{dir, Weights{Overwrite: true}, "is a folder"},
		{filepath.Join(dir, "no", "o.onnx"), Weights{}, "no such file or directory"},
		{filepath.Join(dir, "o.onnx"), Weights{Tensors: map[string]*tensor.Tensor{"a": row(1), "q": row(2)}},
			`m.onnx: the model stores no weight "a", nor 1 others`},
		{filepath.Join(dir, "o.onnx"), Weights{Tensors: map[string]*tensor.Tensor{"w": row(1)}},
			`m.onnx: weight "w": its shape is [1], the file's is [2]`},
		{filepath.Join(dir, "o.onnx"), Weights{Tensors: map[string]*tensor.Tensor{"w": nil}},
			`m.onnx: weight "w": no tensor is given`},
	} {
		wantError(t, fmt.Sprint(m.Save(c.path, c.w)), c.want)
	}
	wantFiles(t, dir, "there.onnx")
	if b, _ := os.ReadFile(there); string(b) != "precious" {
		t.Error("the file that was there is gone")
	}
}

func wantFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !slices.Equal(got, want) {
		t.Errorf("the folder holds %v, want %v", got, want)
	}
}

// TestSaveOverItself replaces the file that the model was read from.
func TestSaveOverItself(t *testing.T) {
	dir := t.TempDir()
	path := write(t, filepath.Join(dir, "m.onnx"), encode(t, shared()))
	m, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := m.Save(path, Weights{Overwrite: true, Tensors: map[string]*tensor.Tensor{"w": row(float32(i), 2)}}); err != nil {
			t.Fatal(err)
		}
		out, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := floatsOf(t, out, "w"); got[0] != float64(i) || floatsOf(t, m, "w")[0] != 1 {
			t.Errorf("file %v, model %v", got, floatsOf(t, m, "w"))
		}
	}
	wantFiles(t, dir, "m.onnx")
}

// TestSaveThatIsDamagedLeavesTheOldFile changes the temporary file before it is read again.
func TestSaveThatIsDamagedLeavesTheOldFile(t *testing.T) {
	m := mustDecode(t, shared())
	dir := t.TempDir()
	path := write(t, filepath.Join(dir, "m.onnx"), []byte("precious"))
	for name, damage := range map[string]func(b []byte) []byte{
		"a bit":  func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"cut":    func(b []byte) []byte { return b[:len(b)-1] },
		"longer": func(b []byte) []byte { return append(b, 0) },
		"empty":  func(b []byte) []byte { return nil },
	} {
		err := m.save(path, Weights{Overwrite: true}, saver{limit: embedLimit, written: func(temporary string) {
			b, err := os.ReadFile(temporary)
			if err != nil {
				t.Fatal(err)
			}
			write(t, temporary, damage(b))
		}})
		if !errors.Is(err, ErrVerify) {
			t.Errorf("%s: %v", name, err)
		}
		wantError(t, fmt.Sprint(err), path+": the written file differs from what was to be written: ")
	}
	wantFiles(t, dir, "m.onnx")
	if b, _ := os.ReadFile(path); string(b) != "precious" {
		t.Error("the old file is gone")
	}
}
