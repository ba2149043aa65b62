package onnxgo

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/owulveryck/onnx-go"
	"gonum.org/v1/gonum/graph"

	engine "github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/onnxload"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/train/conformance"
)

// recorder takes operators that the engine does not know too.
type recorder struct{ *Backend }

func (r *recorder) ApplyOperation(o onnx.Operation, outs ...graph.Node) error {
	return r.apply(call{operation: o}, outs)
}

// decode reads a model with onnx-go.
func decode(b []byte, opset int) (r *recorder, m *onnx.Model, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errPanic{p}
		}
	}()
	r = &recorder{New(opset)}
	m = onnx.NewModel(r)
	return r, m, m.UnmarshalBinary(b)
}

// models are the models of the project and, where they are, those beside it, by name.
func models(t *testing.T) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	root := filepath.Join("..", "..")
	for _, pattern := range []string{
		filepath.Join(root, "models", "*.onnx"), filepath.Join(root, "testdata", "exports", "*.onnx"), filepath.Join(root, "..", "shared", "models", "*.onnx"),
	} {
		list, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range list {
			if all[file], err = os.ReadFile(file); err != nil {
				t.Fatal(err)
			}
		}
	}
	suite := filepath.Join(root, "..", "shared", "conformance", "onnx-backend-tests.tar.gz")
	if _, err := os.Stat(suite); err != nil {
		suite = filepath.Join(root, "testdata", "conformance", "cases")
	}
	cases, err := conformance.Read(suite)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		all[c.Name] = c.Files["model.onnx"]
	}
	return all
}

// TestDecodersAgree reads every model with onnx-go's decoder and with the engine's own: operators, the names of their
// inputs and outputs, initializers and attributes are the same in every model that both can read.
func TestDecodersAgree(t *testing.T) {
	both := 0
	for file, b := range models(t) {
		m, err := onnxload.Decode(file, b)
		if err != nil {
			continue
		}
		g, err := m.NewGraph()
		if err != nil {
			continue
		}
		r, model, err := decode(b, m.Opset[""])
		if err == nil {
			both++
			err = agree(g, r, model)
		} else {
			err = nil
		}
		r.Close()
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	t.Logf("%d models are read by both", both)
	if both < 60 {
		t.Errorf("%d models are read by both, want 60", both)
	}
}

func agree(g *engine.Graph, r *recorder, m *onnx.Model) error {
	if len(g.Nodes) != len(r.calls) {
		return fmt.Errorf("%d nodes here, %d in onnx-go", len(g.Nodes), len(r.calls))
	}
	byOutput := map[string]*engine.Node{}
	for _, n := range g.Nodes {
		byOutput[first(valueNames(n.Out))] = n
	}
	var errs []error
	for _, c := range r.calls {
		in, out := nodeNames(c.in), nodeNames(c.out)
		n := byOutput[first(out)]
		if n == nil {
			errs = append(errs, fmt.Errorf("%s has an output %q here that onnx-go does not know", c.operation.Name, first(out)))
			continue
		}
		if len(n.In) == 0 { // onnx-go gives it an input that the file does not have
			in = nil
		}
		if n.Op.Type != c.operation.Name || !slices.Equal(in, valueNames(n.In)) || !slices.Equal(out, valueNames(n.Out)) {
			errs = append(errs, fmt.Errorf("%v of %q giving %q, in onnx-go %s of %q giving %q", n.Op, valueNames(n.In), valueNames(n.Out), c.operation.Name, in, out))
		}
		errs = append(errs, agreeOnAttributes(n, c.operation))
	}
	errs = append(errs, agreeOnEnds(g, r, m), agreeOnConstants(g, r))
	return errors.Join(errs...)
}

func agreeOnAttributes(n *engine.Node, o onnx.Operation) error {
	attrs, err := attributes(o.Attributes)
	if err != nil {
		return err
	}
	if len(attrs) != len(n.Attrs) {
		return fmt.Errorf("%q has attributes %v, in onnx-go %v", n.Name, n.Attrs, attrs)
	}
	for i, a := range attrs {
		here := n.Attrs[i]
		same := a.Name == here.Name && fmt.Sprint(a.Value) == fmt.Sprint(here.Value) // of tensors, the type
		if t, ok := a.Value.(*tensor.Tensor); ok && same {
			same = bytes.Equal(t.Data, here.Value.(*tensor.Tensor).Data)
		}
		if !same {
			return fmt.Errorf("attribute %s of %q is %v, in onnx-go %v", a.Name, n.Name, here.Value, a.Value)
		}
	}
	return nil
}

// agreeOnEnds compares the inputs and outputs of the graph.
func agreeOnEnds(g *engine.Graph, r *recorder, m *onnx.Model) error {
	var in, out []string
	for _, id := range m.Input {
		in = append(in, r.nodes[id].name)
	}
	for _, id := range m.Output {
		out = append(out, r.nodes[id].name)
	}
	if !slices.Equal(in, valueNames(g.Inputs)) || !slices.Equal(out, valueNames(g.Outputs)) {
		return fmt.Errorf("inputs %q and outputs %q, in onnx-go %q and %q", valueNames(g.Inputs), valueNames(g.Outputs), in, out)
	}
	return nil
}

// agreeOnConstants compares initializers bit by bit.
func agreeOnConstants(g *engine.Graph, r *recorder) error {
	byName := map[string]*Node{}
	for _, n := range r.nodes {
		byName[n.name] = n
	}
	for _, v := range g.OfKind(engine.Const) {
		n := byName[v.Name]
		if n == nil || n.value == nil {
			return fmt.Errorf("initializer %q has no value in onnx-go", v.Name)
		}
		t, err := fromGorgonia(n.value)
		if err != nil {
			return fmt.Errorf("initializer %q: %w", v.Name, err)
		}
		if t.DType != v.Init.DType || !t.Shape.Equal(v.Init.Shape) || !bytes.Equal(t.Data, v.Init.Data) {
			return fmt.Errorf("initializer %q is %v and differs from onnx-go's %v", v.Name, v.Init, t)
		}
	}
	return nil
}

func nodeNames(nodes []*Node) []string {
	var names []string
	for _, n := range nodes {
		names = append(names, n.name)
	}
	return names
}

func valueNames(values []*engine.Value) []string {
	var names []string
	for _, v := range values {
		if v == nil {
			names = append(names, "")
		} else {
			names = append(names, v.Name)
		}
	}
	return names
}

func first(names []string) string {
	for _, name := range names {
		if name != "" {
			return name
		}
	}
	return strings.Join(names, "")
}
