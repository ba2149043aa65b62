// Package conformance runs ONNX backend test cases: a model with recorded inputs and outputs.
package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

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
	// Why says what went wrong, what is not supported, or why outputs of a case that passed were not compared.
	Why string `json:"why,omitempty"`
}

// refusal is an error from before the first run: what the engine does not do, as against doing it wrong.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// Run runs every data set of a case.
func (c Case) Run(ctx context.Context) Result {
	drawn, err := c.run(ctx)
	switch {
	case errors.As(err, new(refusal)):
		return Result{c.Name, "unsupported", err.Error()}
	case err != nil:
		return Result{c.Name, "failed", err.Error()}
	case drawn:
		return Result{c.Name, "passed", "random outputs are compared by type and shape alone"}
	default:
		return Result{Name: c.Name, Status: "passed"}
	}
}

// run also reports whether there were random outputs.
func (c Case) run(ctx context.Context) (drawn bool, err error) {
	tol := tolerance{Rel: 1e-3, Abs: 1e-7}
	if b, ok := c.Files["data.json"]; ok {
		if err := json.Unmarshal(b, &tol); err != nil {
			return false, fmt.Errorf("data.json: %w", err)
		}
	}
	m, err := onnxload.Decode(c.Name+"/model.onnx", c.Files["model.onnx"])
	if err != nil {
		return false, refusal{err}
	}
	// What the model says about types is clearer than what the recorded tensors say.
	if _, err := m.NewGraph(); err != nil {
		return false, refusal{err}
	}
	for _, set := range c.sets() {
		in, err := c.tensors(set, "input")
		if err != nil {
			return false, err
		}
		want, err := c.tensors(set, "output")
		if err != nil {
			return false, err
		}
		got, err := infer(ctx, m, in)
		if err != nil {
			return false, err
		}
		if err := compare(got, want, tol); err != nil {
			return false, fmt.Errorf("%s: %w", set, err)
		}
		drawn = drawn || slices.ContainsFunc(got, func(o output) bool { return o.random })
	}
	return drawn, nil
}

func compare(got []output, want []*tensor.Tensor, tol tolerance) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d outputs, want %d", len(got), len(want))
	}
	for i, w := range want {
		err := sameType(got[i].Tensor, w)
		if err == nil && !got[i].random {
			err = tol.compare(got[i].Tensor, w)
		}
		if err != nil {
			return fmt.Errorf("output %d: %w", i, err)
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
			return nil, err
		}
		list = append(list, t)
	}
}
