package inspect

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	_ "github.com/onnxtrain/onnxtrain/backend/cpu"
	"github.com/onnxtrain/onnxtrain/data"
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/pass"
	"github.com/onnxtrain/onnxtrain/tensor"
)

var models = filepath.Join("..", "..", "models")

func inspect(t *testing.T, path string, batch int) *Report {
	t.Helper()
	r, err := Model(path, Options{Batch: batch, Length: 16})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestLeNet knows what a step of LeNet-5 costs: an output element of a convolution or layer is a product with a filter or
// row, and the gradient takes as much again for weights and, behind the first layer, for inputs.
func TestLeNet(t *testing.T) {
	r := inspect(t, filepath.Join(models, "lenet5.onnx"), 10)
	if !r.Trainable || r.Loss != "ce" || r.Elements != 61706 || len(r.Parameters) != 10 || len(r.Constants) != 0 {
		t.Errorf("trainable %v (%s), loss %q, %d parameters in %d tensors, %d constants", r.Trainable, r.Why, r.Loss, r.Elements, len(r.Parameters), len(r.Constants))
	}
	first, rest := 2.*10*6*28*28*25, 2.*10*(16*10*10*6*25+400*120+120*84+84*10)
	if r.FLOPs.Forward != first+rest || r.FLOPs.Step != 2*first+3*rest {
		t.Errorf("%v forward and %v in all, want %v and %v", r.FLOPs.Forward, r.FLOPs.Step, first+rest, 2*first+3*rest)
	}
	m := r.Memory
	if r.PlanBytes != m.Weights+m.Activations+m.Scratch || m.Weights < 4*61706 || m.Gradients != 4*61706 || m.WithoutReuse < m.Activations {
		t.Errorf("memory %+v, plan %d", m, r.PlanBytes)
	}
	if want := (Param{"conv1.weight", []int{6, 1, 5, 5}, "weight"}); !reflect.DeepEqual(r.Parameters[0], want) {
		t.Errorf("first parameter %+v, want %+v", r.Parameters[0], want)
	}
}

// TestEveryNodeIsAccountedFor compares the counts of nodes in the file and in the step with each other.
func TestEveryNodeIsAccountedFor(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(models, "*.onnx"))
	more, _ := filepath.Glob(filepath.Join("..", "..", "testdata", "exports", "*.onnx"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d models, %v", len(files), err)
	}
	for _, file := range append(files, more...) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			r := inspect(t, file, 4)
			if !r.Trainable {
				t.Skipf("not trainable: %s", r.Why)
			}
			for _, o := range r.Operators {
				nodes := 0
				for _, run := range o.Runs {
					nodes += run.Nodes
				}
				if nodes != o.Count || o.Forward != "yes" || o.Kernel == "" {
					t.Errorf("%+v", o)
				}
			}
			flops := 0.
			for _, s := range r.Step {
				flops += s.FLOPs
				if s.Forward+s.Backward == 0 || s.Kernel == "" {
					t.Errorf("%+v", s)
				}
			}
			if flops != r.FLOPs.Step || r.FLOPs.Forward > r.FLOPs.Step {
				t.Errorf("%v FLOPs in operators, %+v in all", flops, r.FLOPs)
			}
			if slices.ContainsFunc(r.Parameters, func(p Param) bool { return p.Role == "" }) {
				t.Errorf("parameters %+v", r.Parameters)
			}
		})
	}
}

func TestFates(t *testing.T) {
	find := func(r *Report, typ string) Operator {
		i := slices.IndexFunc(r.Operators, func(o Operator) bool { return o.Type == typ })
		if i < 0 {
			t.Fatalf("no %s in %+v", typ, r.Operators)
		}
		return r.Operators[i]
	}
	gpt := inspect(t, filepath.Join(models, "gpt.onnx"), 2)
	if o := find(gpt, "Pow"); o.Kernel != "fused" {
		t.Errorf("the squares of LayerNorm: %+v", o)
	}
	if o := find(gpt, "Shape"); o.Kernel != "folded" || o.Gradient != "stops" {
		t.Errorf("shape arithmetic: %+v", o)
	}
	if i := slices.IndexFunc(gpt.Parameters, func(p Param) bool { return p.Role == "embedding" }); i < 0 {
		t.Errorf("no embedding in %+v", gpt.Parameters)
	}
}

func TestOpenDimensions(t *testing.T) {
	g := graph.New("")
	tokens := graph.Type{DType: tensor.Int64, Shape: tensor.Shape{-1, -1}}
	for _, name := range []string{"ids", "mask"} {
		v := g.NewValue(name, graph.Input, tokens)
		v.Symbols = []string{"batch", "time"}
		g.Inputs = append(g.Inputs, v)
	}
	open := data.Field{DType: tensor.Int64, Shape: tensor.Shape{-1}}
	w := data.Want{Label: open}
	for _, v := range g.Inputs {
		w.Inputs = append(w.Inputs, data.Field{Name: v.Name, DType: open.DType, Shape: open.Shape})
	}
	var r Report
	for _, f := range r.fields(w, g, Options{Length: 7}) {
		if !f.Shape.Equal(tensor.Shape{7}) {
			t.Errorf("%q has shape %v", f.Name, f.Shape)
		}
	}
	if want := []string{`dimension "time" is open and taken as 7 for this report`}; !slices.Equal(r.Notices, want) {
		t.Errorf("notices %q, want %q", r.Notices, want)
	}
}

func TestUntrainable(t *testing.T) {
	cases := filepath.Join("..", "..", "testdata", "conformance", "cases")
	r := inspect(t, filepath.Join(cases, "node", "test_if", "model.onnx"), 4)
	if r.Trainable || !strings.Contains(r.Why, "batch axis") || len(r.Operators) != 1 {
		t.Errorf("%+v", r)
	}
	if _, err := Model(filepath.Join(cases, "node", "test_string_concat", "model.onnx"), Options{Batch: 4, Length: 16}); err == nil {
		t.Error("no error for strings")
	}
	if _, err := Model(filepath.Join(models, "mlp.onnx"), Options{Batch: 4, Length: 16, After: "polish"}); err == nil || !strings.Contains(err.Error(), "recognise") {
		t.Errorf("a pass that there is not: %v", err)
	}
}

func TestAfter(t *testing.T) {
	for _, name := range pass.Passes() {
		seen := 0
		_, err := Model(filepath.Join(models, "mlp.onnx"), Options{Batch: 4, Length: 16, After: name, Dump: func(g *graph.Graph) { seen = len(g.Nodes) }})
		if !errors.Is(err, pass.ErrStopped) || seen == 0 {
			t.Errorf("after %s: %d nodes, %v", name, seen, err)
		}
	}
}

// TestKeysAreDocumented looks up every key of the JSON form in docs/inspect.md.
func TestKeysAreDocumented(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", "inspect.md"))
	if err != nil {
		t.Fatal(err)
	}
	var walk func(t reflect.Type, path string) []string
	walk = func(rt reflect.Type, path string) (keys []string) {
		switch rt.Kind() {
		case reflect.Slice:
			return walk(rt.Elem(), path+"[]")
		case reflect.Struct:
			for i := range rt.NumField() {
				key, _, _ := strings.Cut(rt.Field(i).Tag.Get("json"), ",")
				name := strings.TrimPrefix(path+"."+key, ".")
				keys = append(keys, name)
				keys = append(keys, walk(rt.Field(i).Type, name)...)
			}
		}
		return keys
	}
	for _, key := range walk(reflect.TypeFor[Report](), "") {
		if !strings.Contains(string(b), "`"+key+"`") {
			t.Errorf("docs/inspect.md does not say what `%s` is", key)
		}
	}
	if _, err := json.Marshal(inspect(t, filepath.Join(models, "mlp.onnx"), 4)); err != nil {
		t.Error(err)
	}
}

// The model's table of positions ends at 32.
func TestLengthThatTheModelTakes(t *testing.T) {
	path := filepath.Join("..", "..", "..", "shared", "golden", "training", "chargpt-micro.train.onnx")
	if _, err := os.Stat(path); err != nil {
		t.Skip(err)
	}
	r, err := Model(path, Options{Batch: 2, Length: 64})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Trainable || !slices.ContainsFunc(r.Notices, func(s string) bool { return strings.Contains(s, "is open and taken as 32") }) {
		t.Errorf("trainable %v, because %q; notices %q", r.Trainable, r.Why, r.Notices)
	}
}
