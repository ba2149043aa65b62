// Package conformance runs ONNX backend test cases: a model with recorded inputs and outputs.
package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path"
	"slices"
	"strings"

	"github.com/onnxtrain/onnxtrain/backend"
	"github.com/onnxtrain/onnxtrain/graph/pass"
	"github.com/onnxtrain/onnxtrain/onnxload"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Case is a test case: the files below its folder by relative path, such as "test_data_set_0/input_0.pb".
type Case struct {
	Name  string
	Files map[string][]byte
}

// Result is how a case ended.
type Result struct {
	Name   string `json:"name"`
	Status string `json:"status"` // passed, failed, unsupported
	Why    string `json:"why,omitempty"`
}

// errUnsupported marks what the engine does not do, as against doing it wrong.
var errUnsupported = errors.New("unsupported")

// tolerance is the ONNX backend test suite's, unless a case brings a data.json.
type tolerance struct {
	Rel float64 `json:"rtol"`
	Abs float64 `json:"atol"`
}

// Run runs every data set of a case.
func (c Case) Run(ctx context.Context) Result {
	err := c.run(ctx)
	switch {
	case err == nil:
		return Result{Name: c.Name, Status: "passed"}
	case errors.Is(err, errUnsupported):
		return Result{c.Name, "unsupported", strings.TrimSuffix(err.Error(), "\n"+errUnsupported.Error())}
	default:
		return Result{c.Name, "failed", err.Error()}
	}
}

func (c Case) run(ctx context.Context) error {
	tol := tolerance{Rel: 1e-3, Abs: 1e-7}
	if b, ok := c.Files["data.json"]; ok {
		if err := json.Unmarshal(b, &tol); err != nil {
			return fmt.Errorf("data.json: %w", err)
		}
	}
	m, err := onnxload.Decode(c.Name+"/model.onnx", c.Files["model.onnx"])
	if err != nil {
		return errors.Join(err, errUnsupported)
	}
	for _, set := range c.sets() {
		in, err := c.tensors(set, "input")
		if err != nil {
			return err
		}
		want, err := c.tensors(set, "output")
		if err != nil {
			return err
		}
		if err := check(ctx, m, in, want, tol); err != nil {
			return fmt.Errorf("%s: %w", set, err)
		}
	}
	return nil
}

// sets lists the data sets' folders in order.
func (c Case) sets() []string {
	var sets []string
	for name := range c.Files {
		if dir, _ := path.Split(name); strings.HasPrefix(dir, "test_data_set_") && !slices.Contains(sets, path.Clean(dir)) {
			sets = append(sets, path.Clean(dir))
		}
	}
	slices.Sort(sets)
	return sets
}

// tensors reads set/kind_0.pb, set/kind_1.pb, … .
func (c Case) tensors(set, kind string) ([]*tensor.Tensor, error) {
	var list []*tensor.Tensor
	for i := 0; ; i++ {
		name := fmt.Sprintf("%s/%s_%d.pb", set, kind, i)
		b, ok := c.Files[name]
		if !ok {
			return list, nil
		}
		t, err := onnxload.DecodeTensor(name, b)
		if err != nil {
			return nil, errors.Join(err, errUnsupported)
		}
		list = append(list, t)
	}
}

func check(ctx context.Context, m *onnxload.Model, in, want []*tensor.Tensor, tol tolerance) error {
	got, err := infer(ctx, m, in)
	if err != nil {
		return errors.Join(err, errUnsupported)
	}
	for i, w := range want {
		if i >= len(got) {
			return fmt.Errorf("output %d is missing", i)
		}
		if err := tol.compare(got[i], w); err != nil {
			return fmt.Errorf("output %d: %w", i, err)
		}
	}
	return nil
}

// infer runs the model. Inputs that shapes depend on must be known when the graph is built: when it does not build
// with all inputs open, integer inputs are bound to their values, and then all.
func infer(ctx context.Context, m *onnxload.Model, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	var first error
	for _, fix := range []func(*tensor.Tensor) bool{
		func(*tensor.Tensor) bool { return false },
		func(t *tensor.Tensor) bool { return !t.DType.IsFloat() },
		func(*tensor.Tensor) bool { return true },
	} {
		out, err := run(ctx, m, in, fix)
		if err == nil {
			return out, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

func run(ctx context.Context, m *onnxload.Model, in []*tensor.Tensor, fix func(*tensor.Tensor) bool) ([]*tensor.Tensor, error) {
	g, err := m.NewGraph()
	if err != nil {
		return nil, err
	}
	inputs := slices.Clone(g.Inputs)
	if len(in) > len(inputs) {
		return nil, fmt.Errorf("%d inputs are recorded, the model has %d", len(in), len(inputs))
	}
	o := pass.Options{Loss: pass.Loss{Kind: "none"}, Shapes: map[string]tensor.Shape{}, Fixed: map[string]*tensor.Tensor{}}
	for i, t := range in {
		if v := inputs[i]; v.Type.DType != t.DType {
			return nil, fmt.Errorf("input %q is recorded as %v", v.Name, t)
		}
		o.Shapes[inputs[i].Name] = t.Shape
		if fix(t) {
			o.Fixed[inputs[i].Name] = t
		}
	}
	if _, err := pass.Build(g, o); err != nil {
		return nil, err
	}
	b, err := backend.Lookup("cpu")
	if err != nil {
		return nil, err
	}
	p, err := b.Compile(g, backend.Options{})
	if err != nil {
		return nil, err
	}
	defer p.Close()
	for i, t := range in {
		if dst := p.Tensor(inputs[i]); dst != nil && !fix(t) {
			copy(dst.Data, t.Data)
		}
	}
	if err := p.Run(ctx); err != nil {
		return nil, err
	}
	var out []*tensor.Tensor
	for _, v := range g.Outputs {
		out = append(out, p.Tensor(v).Clone())
	}
	return out, nil
}

func (tol tolerance) compare(got, want *tensor.Tensor) error {
	if got.DType != want.DType || !got.Shape.Equal(want.Shape) {
		return fmt.Errorf("%v, want %v", got, want)
	}
	g, w := got.Float64s(), want.Float64s()
	for i := range g {
		same := g[i] == w[i] || math.IsNaN(g[i]) && math.IsNaN(w[i])
		if !same && !(math.Abs(g[i]-w[i]) <= tol.Abs+tol.Rel*math.Abs(w[i])) {
			return fmt.Errorf("element %d is %v, want %v", i, g[i], w[i])
		}
	}
	return nil
}
