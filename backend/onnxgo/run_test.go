package onnxgo

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/owulveryck/onnx-go"
	gorgonia "gorgonia.org/tensor"

	"github.com/onnxtrain/onnxtrain/backend"
	engine "github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/graph/pass"
	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/onnxload"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// load reads a model of the project with onnx-go.
func load(t *testing.T, name string) (*Backend, *onnx.Model, *onnxload.Model) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "models", name))
	if err != nil {
		t.Fatal(err)
	}
	file, err := onnxload.Decode(name, data)
	if err != nil {
		t.Fatal(err)
	}
	b := New(file.Opset[""])
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	model := onnx.NewModel(b)
	if err := model.UnmarshalBinary(data); err != nil {
		t.Fatal(err)
	}
	return b, model, file
}

// input makes something for an input.
func input(v *engine.Value, batch int) *tensor.Tensor {
	shape := v.Type.Shape.Clone()
	for i, d := range shape {
		if d == -1 {
			shape[i] = batch
		}
	}
	x := op.Uniform(7, 0, 1, shape...)
	if v.Type.DType == tensor.Float32 {
		return x
	}
	t := tensor.New(v.Type.DType, shape...)
	for i, u := range x.F32() {
		t.I64()[i] = int64(5 * u)
	}
	return t
}

// direct runs a model on the engine without onnx-go.
func direct(t *testing.T, m *onnxload.Model, in []*tensor.Tensor) []*tensor.Tensor {
	t.Helper()
	g, err := m.NewGraph()
	if err != nil {
		t.Fatal(err)
	}
	inputs := append([]*engine.Value{}, g.Inputs...)
	o := pass.Options{Loss: pass.Loss{Kind: "none"}, Literal: true, Shapes: map[string]tensor.Shape{}}
	for i, v := range inputs {
		o.Shapes[v.Name] = in[i].Shape
	}
	if _, err := pass.Build(g, o); err != nil {
		t.Fatal(err)
	}
	cpu, err := backend.Lookup("cpu")
	if err != nil {
		t.Fatal(err)
	}
	pool := par.New(0)
	defer pool.Close()
	p, err := cpu.Compile(g, backend.Options{Pool: pool})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for i, v := range inputs {
		copy(p.Tensor(v).Data, in[i].Data)
	}
	if err := p.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	var out []*tensor.Tensor
	for _, v := range g.Outputs {
		out = append(out, p.Tensor(v).Clone())
	}
	return out
}

// TestSameResults runs models through onnx-go and directly, twice and with another batch size: the results are the same
// bits.
func TestSameResults(t *testing.T) {
	exports := filepath.Join("..", "testdata", "exports")
	for _, name := range []string{"mlp.onnx", "lenet5.onnx", "resnet20.onnx", filepath.Join(exports, "04-tied-eval.onnx"),
		filepath.Join(exports, "06-shapes.onnx"), filepath.Join(exports, "11-lstm-eval.onnx")} {
		t.Run(filepath.Base(name), func(t *testing.T) {
			b, model, file := load(t, name)
			g, err := file.NewGraph()
			if err != nil {
				t.Fatal(err)
			}
			for _, batch := range []int{2, 2, 3} {
				var in []*tensor.Tensor
				for i, v := range g.Inputs {
					in = append(in, input(v, batch))
					x, err := toGorgonia(in[i])
					if err != nil {
						t.Fatal(err)
					}
					if err := model.SetInput(i, x); err != nil {
						t.Fatal(err)
					}
				}
				if err := b.Run(); err != nil {
					t.Fatal(err)
				}
				got, err := model.GetOutputTensors()
				if err != nil {
					t.Fatal(err)
				}
				for i, want := range direct(t, file, in) {
					y, err := fromGorgonia(got[i])
					if err != nil {
						t.Fatal(err)
					}
					if !y.Shape.Equal(want.Shape) || !bytes.Equal(y.Data, want.Data) {
						t.Errorf("batch %d: output %d, %v, differs from %v", batch, i, y, want)
					}
				}
			}
		})
	}
}

// TestShapesFromInputs runs a Reshape whose shape is fed and changes.
func TestShapesFromInputs(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "testdata", "conformance", "cases", "node", "test_reshape_zero_and_negative_dim", "model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	b := New(14)
	defer b.Close()
	model := onnx.NewModel(b)
	if err := model.UnmarshalBinary(data); err != nil {
		t.Fatal(err)
	}
	x := gorgonia.New(gorgonia.WithShape(2, 3, 4), gorgonia.WithBacking(gorgonia.Range(gorgonia.Float32, 0, 24)))
	for _, c := range []struct{ to, want []int64 }{{[]int64{2, 0, 1, -1}, []int64{2, 3, 1, 4}}, {[]int64{4, 6}, []int64{4, 6}}} {
		shape := gorgonia.New(gorgonia.WithShape(len(c.to)), gorgonia.WithBacking(c.to))
		if err := errors.Join(model.SetInput(0, x), model.SetInput(1, shape), b.Run()); err != nil {
			t.Fatal(err)
		}
		got, err := model.GetOutputTensors()
		if err != nil {
			t.Fatal(err)
		}
		for i, d := range c.want {
			if len(got[0].Shape()) != len(c.want) || got[0].Shape()[i] != int(d) {
				t.Errorf("reshaped to %v: %v, want %v", c.to, got[0].Shape(), c.want)
				break
			}
		}
	}
}

func TestErrors(t *testing.T) {
	b := New(0)
	defer b.Close()
	x, y := b.NewNode().(*Node), (*Node)(nil)
	b.AddNode(x)
	y = b.NewNode().(*Node)
	b.AddNode(y)
	x.SetName("x")
	y.SetName("y")
	b.SetWeightedEdge(b.NewWeightedEdge(y, x, 0))
	var missing *onnx.ErrNotImplemented
	if err := b.ApplyOperation(onnx.Operation{Name: "Reluu"}, y); !errors.As(err, &missing) || !strings.Contains(err.Error(), "Relu") {
		t.Errorf("an operator that there is not: %v", err)
	}
	if err := b.ApplyOperation(onnx.Operation{Name: "Relu"}); err == nil {
		t.Error("no error for an operator without outputs")
	}
	if err := b.ApplyOperation(onnx.Operation{Name: "Relu"}, y); err != nil {
		t.Fatal(err)
	}
	if err := b.Run(); err == nil || !strings.Contains(err.Error(), "input 0") {
		t.Errorf("nothing is fed: %v", err)
	}
	if err := errors.Join(x.SetTensor(gorgonia.New(gorgonia.WithShape(2), gorgonia.WithBacking([]float32{-1, 2}))), b.Run()); err != nil {
		t.Fatal(err)
	}
	if got := y.GetTensor().Data().([]float32); got[0] != 0 || got[1] != 2 {
		t.Errorf("Relu gives %v", got)
	}
	if err := errors.Join(x.SetTensor(gorgonia.New(gorgonia.WithShape(1), gorgonia.WithBacking([]string{"a"}))), b.Run()); err == nil || !strings.Contains(err.Error(), `"x"`) {
		t.Errorf("strings: %v", err)
	}
}

// TestViews converts tensors that are not laid out row by row.
func TestViews(t *testing.T) {
	x := gorgonia.New(gorgonia.WithShape(2, 3), gorgonia.WithBacking([]float32{0, 1, 2, 3, 4, 5}))
	if err := x.T(); err != nil {
		t.Fatal(err)
	}
	got, err := fromGorgonia(x)
	if err != nil {
		t.Fatal(err)
	}
	if want := tensor.Of(tensor.Shape{3, 2}, float32(0), 3, 1, 4, 2, 5); !got.Shape.Equal(want.Shape) || !bytes.Equal(got.Data, want.Data) {
		t.Errorf("a transposed view is %v %v", got, got.F32())
	}
}

// TestGraph looks at the graph as gonum does.
func TestGraph(t *testing.T) {
	b, model, _ := load(t, "mlp.onnx")
	last, ok := model.GetNodeByName(b.nodes[model.Output[0]].name)
	if !ok {
		t.Fatal("the output is no node")
	}
	from := b.From(last.ID())
	if from.Len() == 0 || b.Nodes().Len() != len(b.nodes) {
		t.Fatalf("%d operands, %d nodes of %d", from.Len(), b.Nodes().Len(), len(b.nodes))
	}
	for from.Next() {
		id := from.Node().ID()
		if !b.HasEdgeFromTo(last.ID(), id) || !b.HasEdgeBetween(id, last.ID()) || b.HasEdgeFromTo(id, last.ID()) ||
			b.Edge(last.ID(), id) == nil || b.Edge(id, last.ID()) != nil || b.To(id).Len() == 0 {
			t.Errorf("edges between %v and its operand %v", last.ID(), id)
		}
	}
	if b.Node(-1) != nil || b.Node(int64(len(b.nodes))) != nil {
		t.Error("nodes that are not there")
	}
}

// TestGorgoniaVersion holds gorgonia.org/tensor to the version that runs: later ones panic at start on Go 1.26.
func TestGorgoniaVersion(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), "\tgorgonia.org/tensor v0.9.3\n") {
		t.Error("go.mod asks for another version of gorgonia.org/tensor than v0.9.3")
	}
}
