// Package inspect tells what a model holds and whether it can be trained, without training it.
package inspect

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/onnxtrain/onnxtrain/data"
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/pass"
	"github.com/onnxtrain/onnxtrain/internal/memory"
	"github.com/onnxtrain/onnxtrain/onnxload"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/train"
	"github.com/onnxtrain/onnxtrain/train/bench"
)

// Options of an inspection.
type Options struct {
	Batch  int
	Length int // taken for open dimensions other than the batch
	// Config is what a run is given: its loss and what decides the form of the model count here, such as --unfold-bn.
	Config train.Config
	// After, with Dump, stops after a pass and prints the graph.
	After string
	Dump  func(g *graph.Graph)
}

// Model inspects the file at path. An error means that the file cannot be read at all; what keeps a readable model
// from training is in the report.
func Model(path string, o Options) (*Report, error) {
	if o.After != "" && !slices.Contains(pass.Passes(), o.After) {
		return nil, fmt.Errorf("no pass %q; there are: %s", o.After, strings.Join(pass.Passes(), " "))
	}
	m, err := onnxload.Open(path, o.Config.Loading(memory.Limit()))
	if err != nil {
		return nil, err
	}
	m, form, err := train.Form(&o.Config, m)
	if err != nil {
		return nil, err
	}
	g, err := m.NewGraph()
	if err != nil {
		return nil, err
	}
	r := &Report{
		File: path, Producer: m.Producer, IRVersion: m.IRVersion, Opset: g.Opset, Step: []StepOperator{},
		Parameters: []Param{}, State: []Param{}, Constants: []Constant{}, Notices: []string{},
	}
	for _, v := range g.Inputs {
		r.Inputs = append(r.Inputs, Value{v.Name, v.Type.DType.String(), pass.Dims(v)})
	}
	for _, v := range g.Outputs {
		r.Outputs = append(r.Outputs, Value{v.Name, v.Type.DType.String(), pass.Dims(v)})
	}
	r.Operators = operators(g)
	err = r.training(m, g, form, o)
	if errors.Is(err, pass.ErrStopped) {
		return nil, err
	}
	if err != nil {
		r.Why = err.Error()
	}
	r.Trainable = err == nil
	return r, nil
}

// training makes the engine that training would and reports on it. file is the graph as loaded, eo the model's form.
func (r *Report) training(m *onnxload.Model, file *graph.Graph, eo train.EngineOptions, o Options) error {
	w, err := train.Wants(m, eo.Loss)
	if err != nil {
		return err
	}
	if o.After != "" {
		eo.After = func(name string, g *graph.Graph) bool {
			if name == o.After {
				o.Dump(g)
			}
			return name != o.After
		}
	}
	r.Batch = o.Batch
	e, err := r.engine(m, file, w, &eo, o)
	if fixed := fixedBatch(file); err != nil && fixed > 0 && fixed != o.Batch && !errors.Is(err, pass.ErrStopped) {
		if e, err = train.NewEngine(m, fixed, true, eo); err == nil {
			r.Batch = fixed
			r.notice("the file fixes the batch: it trains with --batch %d alone", fixed)
		}
	}
	if err != nil && !errors.Is(err, pass.ErrStopped) {
		// What there is to see beside weights that do not reach the loss is shown all the same.
		eo.AllowUnused = true
		e, _ = train.NewEngine(m, r.Batch, true, eo)
	}
	if e == nil {
		return err
	}
	defer e.Close()
	if described := r.describe(e, file); err == nil {
		err = described
	}
	return err
}

// engine makes the training engine at o.Length or, where the model does not take it, at the largest half of halves of it that
// it takes: tables of positions and masks end somewhere. It leaves the fields of that length, or of o.Length, in eo.
func (r *Report) engine(m *onnxload.Model, file *graph.Graph, w data.Want, eo *train.EngineOptions, o Options) (*train.Engine, error) {
	before := slices.Clone(r.Notices)
	eo.Fields = r.fields(w, file, o)
	e, failed := train.NewEngine(m, r.Batch, true, *eo)
	if failed == nil || errors.Is(failed, pass.ErrStopped) || len(r.Notices) == len(before) { // no dimension is open
		return e, failed
	}
	notices, fields := r.Notices, eo.Fields
	for o.Length /= 2; o.Length > 1; o.Length /= 2 {
		r.Notices = slices.Clone(before)
		eo.Fields = r.fields(w, file, o)
		if e, err := train.NewEngine(m, r.Batch, true, *eo); err == nil || errors.Is(err, pass.ErrStopped) {
			return e, err
		}
	}
	r.Notices, eo.Fields = notices, fields
	return nil, failed
}

// fields are the arrays of an example, with a length for open dimensions.
func (r *Report) fields(w data.Want, file *graph.Graph, o Options) []data.Field {
	if w.Label.DType == tensor.Invalid {
		w.Label.DType = tensor.Int64
	}
	all := slices.Clone(w.Inputs)
	for _, l := range append([]data.Label{{Field: w.Label}}, w.More...) {
		all = append(all, l.Field)
	}
	for i, f := range all {
		f.Shape = f.Shape.Clone()
		for axis, d := range f.Shape {
			if d != -1 {
				continue
			}
			f.Shape[axis] = o.Length
			for _, v := range file.Inputs {
				if v.Name == f.Name && axis+1 < len(v.Symbols) {
					r.notice("dimension %q is open and taken as %d for this report", v.Symbols[axis+1], o.Length)
				}
			}
		}
		all[i] = f
	}
	return all
}

// fixedBatch is the first dimension of all inputs, 0 where it is open or they differ.
func fixedBatch(g *graph.Graph) int {
	fixed := 0
	for i, v := range g.Inputs {
		if len(v.Type.Shape) == 0 || v.Type.Shape[0] < 1 || i > 0 && v.Type.Shape[0] != fixed {
			return 0
		}
		fixed = v.Type.Shape[0]
	}
	return fixed
}

// describe reports on a training step.
func (r *Report) describe(e *train.Engine, file *graph.Graph) error {
	p, err := e.Program(r.Batch, true)
	if err != nil {
		return err
	}
	g := p.Built.Graph
	r.Loss = e.Loss
	for _, v := range e.Params {
		r.Parameters = append(r.Parameters, Param{v.Name, v.Shape, string(v.Role)})
		r.Elements += v.Shape.Elems()
	}
	for _, v := range g.OfKind(graph.State) {
		r.State = append(r.State, Param{Name: v.Name, Shape: v.Type.Shape})
	}
	for _, v := range file.OfKind(graph.Const) {
		if now(g, v).Kind == graph.Const {
			r.Constants = append(r.Constants, Constant{v.Name, v.Type.DType.String(), v.Type.Shape})
		}
	}
	for _, n := range e.Notices {
		r.notice("%s", n)
	}
	r.tied(p.Built)
	plan := p.Memory()
	r.PlanBytes = plan.Total()
	r.Memory = Memory{Weights: plan.ParamBytes, Activations: plan.ArenaBytes, Scratch: plan.ScratchBytes, WithoutReuse: plan.NoReuseBytes}
	for _, v := range p.Built.Grads {
		r.Memory.Gradients += int64(v.Type.Shape.Elems() * v.Type.DType.Size())
	}
	for _, n := range g.Nodes {
		flops := bench.FLOPs(n)
		r.FLOPs.Step += flops
		if n.Origin == nil {
			r.FLOPs.Forward += flops
		}
		r.addStep(n, p.Kernel(n), flops)
	}
	sortStep(r.Step)
	become(r.Operators, file, p)
	return nil
}

// now is a value of the file's graph in a graph that passes made of another copy.
func now(g *graph.Graph, v *graph.Value) *graph.Value { return g.Values[v.ID] }

func (r *Report) notice(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(r.Notices, text) {
		r.Notices = append(r.Notices, text)
	}
}

// tied notes parameters that several nodes of the model read, less those that cut one into parts.
func (r *Report) tied(built *pass.Built) {
	for _, v := range built.Params {
		var readers []string
		for _, n := range built.Graph.Nodes {
			if n.Origin == nil && n.Op.Type != "Slice" && slices.Contains(n.In, v) {
				readers = append(readers, fmt.Sprintf("%q", n.Name))
			}
		}
		if len(readers) > 1 {
			r.notice("%q is one parameter in %d places: %s", v.Name, len(readers), strings.Join(readers, ", "))
		}
	}
}
