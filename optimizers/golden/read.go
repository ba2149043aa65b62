package golden

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// file is a file of cases with the problem that they were recorded on.
type file struct {
	Problem string     `json:"problem"`
	Cases   []recorded `json:"cases"`
	problem problem
}

// recorded is one case: an optimizer, its settings and where they took the parameters.
type recorded struct {
	Name       string           `json:"name"`
	Optimizer  string           `json:"optimizer"`
	Params     []string         `json:"params"`
	Steps      int              `json:"steps"`
	Hyper      map[string]any   `json:"hyper"`
	GroupHyper []map[string]any `json:"group_hyper"`
	LRSchedule []float64        `json:"lr_schedule"`
	F32Rel     float64          `json:"f32_rel"`
	Expect     [][][]float64    `json:"expect"` // [step][parameter][element]
	Notes      string           `json:"notes"`
}

type problem struct {
	Steps  int                     `json:"steps"`
	Shapes map[string]tensor.Shape `json:"shapes"`
	Init   map[string][]float64    `json:"init"`
	Grads  []map[string][]float64  `json:"grads"`
}

func (c *recorded) expected(step int, name string) []float64 {
	for i, p := range c.Params {
		if p == name {
			return c.Expect[step][i]
		}
	}
	return nil
}

func read(path string) (*file, error) { return readFrom(os.ReadFile, path) }

func readFrom(open func(string) ([]byte, error), path string) (*file, error) {
	f := &file{}
	if err := decode(open, path, f); err != nil {
		return nil, err
	}
	if len(f.Cases) == 0 {
		return nil, fmt.Errorf("%s: field cases is missing or empty; is it a golden optimizer file?", path)
	}
	if !filepath.IsLocal(f.Problem) {
		return nil, fmt.Errorf("%s: field problem is %q, not the name of a file beside it", path, f.Problem)
	}
	problemPath := filepath.Join(filepath.Dir(path), f.Problem)
	if err := decode(open, problemPath, &f.problem); err != nil {
		return nil, err
	}
	if err := f.problem.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", problemPath, err)
	}
	for i := range f.Cases {
		c := &f.Cases[i]
		if err := c.check(&f.problem); err != nil {
			return nil, fmt.Errorf("%s: case %d %q: %w", path, i, c.Name, err)
		}
	}
	return f, nil
}

func decode(open func(string) ([]byte, error), path string, into any) error {
	data, err := open(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func (p *problem) check() error {
	if len(p.Grads) < p.Steps {
		return fmt.Errorf("field grads has %d steps of %d", len(p.Grads), p.Steps)
	}
	for name, shape := range p.Shapes {
		if err := shape.Check(tensor.Float64); err != nil {
			return fmt.Errorf("field shapes, %s: %w", name, err)
		}
		if len(p.Init[name]) != shape.Elems() {
			return fmt.Errorf("field init, %s: %d values for shape %v", name, len(p.Init[name]), shape)
		}
		for t, grads := range p.Grads {
			if len(grads[name]) != shape.Elems() {
				return fmt.Errorf("field grads, step %d, %s: %d values for shape %v", t, name, len(grads[name]), shape)
			}
		}
	}
	return nil
}

func (c *recorded) check(p *problem) error {
	switch {
	case c.Optimizer == "":
		return fmt.Errorf("field optimizer is missing")
	case c.Steps < 1 || c.Steps > p.Steps:
		return fmt.Errorf("field steps is %d, the problem has %d", c.Steps, p.Steps)
	case len(c.Expect) < c.Steps:
		return fmt.Errorf("field expect has %d steps of %d", len(c.Expect), c.Steps)
	case c.LRSchedule != nil && len(c.LRSchedule) < c.Steps:
		return fmt.Errorf("field lr_schedule has %d steps of %d", len(c.LRSchedule), c.Steps)
	case len(c.Params) == 0:
		return fmt.Errorf("field params is missing")
	}
	for _, name := range c.Params {
		if _, ok := p.Shapes[name]; !ok {
			return fmt.Errorf("field params: %q is not in the problem", name)
		}
	}
	for t, step := range c.Expect[:c.Steps] {
		if len(step) != len(c.Params) {
			return fmt.Errorf("field expect, step %d: %d parameters of %d", t, len(step), len(c.Params))
		}
		for i, values := range step {
			if name := c.Params[i]; len(values) != p.Shapes[name].Elems() {
				return fmt.Errorf("field expect, step %d, %s: %d values for shape %v", t, name, len(values), p.Shapes[name])
			}
		}
	}
	return nil
}
