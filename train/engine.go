// Package train trains an imported model: programs over shared parameters, the loop, schedules, evaluation and the
// run directory. It is the Go API that users embed.
package train

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/onnxtrain/onnxtrain/backend"
	"github.com/onnxtrain/onnxtrain/data"
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/pass"
	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/onnxload"
	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Engine is a model with its parameters and states in memory, and the programs that run it, one for each batch size and
// form.
type Engine struct {
	Model   *onnxload.Model
	Params  []registry.ParamInfo
	Values  []*tensor.Tensor // of Params
	Notices []string
	Loss    string // the kind of loss that was chosen

	// Opset-free graph of the training form, for initialisation by role.
	first    *pass.Built
	o        EngineOptions
	memory   map[string]*tensor.Tensor // parameters and states by name
	programs map[programKey]*Program
}

// EngineOptions say how to build programs.
type EngineOptions struct {
	Backend   string // "" is cpu
	Pool      *par.Pool
	Fields    []data.Field // the data's arrays: the model's inputs, then the label
	Loss      pass.Loss    // its Label is taken from Fields
	DType     tensor.DType // see pass.Options
	Tie       bool
	Freeze    func(name string) bool
	MaxBytes  int64
	Reference bool
}

type programKey struct {
	count    int
	training bool
}

// Program is a compiled form of the model for one batch size.
type Program struct {
	Built *pass.Built
	backend.Program
	Fields []*tensor.Tensor // memory of the data's arrays, nil where the graph does not read one
	Grads  []*tensor.Tensor // of Engine.Params
	loss   *tensor.Tensor
	output *tensor.Tensor
	rng    *tensor.Tensor
}

// NewEngine builds the program for batches of batch examples and takes the parameters from it.
func NewEngine(m *onnxload.Model, batch int, training bool, o EngineOptions) (*Engine, error) {
	if o.Backend == "" {
		o.Backend = "cpu"
	}
	e := &Engine{Model: m, o: o, memory: map[string]*tensor.Tensor{}, programs: map[programKey]*Program{}}
	p, err := e.Program(batch, training)
	if err != nil {
		return nil, err
	}
	e.first = p.Built
	e.Notices = p.Built.Graph.Notices
	e.Loss = p.Built.LossKind
	for _, v := range p.Built.Params {
		e.Params = append(e.Params, registry.ParamInfo{Name: v.Name, Shape: v.Type.Shape, DType: v.Type.DType,
			Role: registry.Role(pass.Role(p.Built.Graph, v))})
		e.Values = append(e.Values, e.memory[v.Name])
	}
	return e, nil
}

// Program returns the program for count examples, compiling it on first use.
func (e *Engine) Program(count int, training bool) (*Program, error) {
	key := programKey{count, training}
	if p := e.programs[key]; p != nil {
		return p, nil
	}
	p, err := e.compile(count, training)
	if err != nil {
		return nil, err
	}
	e.programs[key] = p
	return p, nil
}

func (e *Engine) compile(count int, training bool) (*Program, error) {
	g, err := e.Model.NewGraph()
	if err != nil {
		return nil, fail(BadModel, err)
	}
	o := pass.Options{Training: training, DType: e.o.DType, Tie: e.o.Tie, Freeze: e.o.Freeze, Loss: e.o.Loss, Shapes: map[string]tensor.Shape{}}
	label := e.o.Fields[len(e.o.Fields)-1]
	o.Loss.Label = graph.Type{DType: label.DType, Shape: batched(count, label.Shape)}
	for _, f := range e.o.Fields[:len(e.o.Fields)-1] {
		o.Shapes[f.Name] = batched(count, f.Shape)
	}
	built, err := pass.Build(g, o)
	if err != nil {
		return nil, fail(BadModel, fmt.Errorf("%s: %w", e.Model.Path, err))
	}
	b, err := backend.Lookup(e.o.Backend)
	if err != nil {
		return nil, fail(Usage, err)
	}
	keep := append([]*graph.Value{built.Output}, built.Grads...)
	if built.Loss != nil {
		keep = append(keep, built.Loss)
	}
	compiled, err := b.Compile(g, backend.Options{Pool: e.o.Pool, Memory: e.shared, Keep: keep, MaxBytes: e.o.MaxBytes, Reference: e.o.Reference})
	if err != nil {
		kind := BadModel
		if errors.Is(err, backend.ErrTooLarge) {
			kind = Resources
		}
		return nil, fail(kind, fmt.Errorf("%s: %w", e.Model.Path, err))
	}
	p := &Program{Built: built, Program: compiled, output: compiled.Tensor(built.Output)}
	inputs := map[string]*graph.Value{}
	for _, v := range g.Inputs {
		inputs[v.Name] = v
	}
	for _, f := range e.o.Fields[:len(e.o.Fields)-1] {
		var t *tensor.Tensor
		if v := inputs[f.Name]; v != nil {
			t = compiled.Tensor(v)
		}
		p.Fields = append(p.Fields, t)
	}
	if built.Loss != nil {
		p.loss = compiled.Tensor(built.Loss)
		p.Fields = append(p.Fields, compiled.Tensor(built.Label))
	}
	for _, v := range built.Grads {
		p.Grads = append(p.Grads, compiled.Tensor(v))
	}
	if built.RNG != nil {
		p.rng = compiled.Tensor(built.RNG)
	}
	return p, nil
}

func batched(count int, shape tensor.Shape) tensor.Shape {
	return append(tensor.Shape{count}, shape...)
}

// shared is the memory of a parameter or state, the same for all programs of the engine.
func (e *Engine) shared(v *graph.Value) *tensor.Tensor {
	t := e.memory[v.Name]
	if t == nil {
		t = v.Init.Clone()
		e.memory[v.Name] = t
	}
	return t
}

// trained are the names of the parameters and states, in order.
func (e *Engine) trained() []string { return slices.Sorted(maps.Keys(e.memory)) }

// Weights are the parameters and states by name, as they are now.
func (e *Engine) Weights() map[string]*tensor.Tensor { return e.memory }

// Run feeds a batch and runs the program. seed and step key the random operators.
func (p *Program) Run(ctx context.Context, batch []*tensor.Tensor, seed uint64, step int) error {
	for i, t := range p.Fields {
		if t != nil {
			copy(t.Data, batch[i].Data)
		}
	}
	if p.rng != nil {
		copy(p.rng.I64(), []int64{int64(seed), int64(step)})
	}
	return p.Program.Run(ctx)
}

// Loss is the loss of the last run.
func (p *Program) Loss() float64 { return p.loss.Float64s()[0] }

// Output is what the loss looked at in the last run, such as logits.
func (p *Program) Output() *tensor.Tensor { return p.output }

// Close frees the programs' memory; parameters stay.
func (e *Engine) Close() error {
	var errs []error
	for _, p := range e.programs {
		errs = append(errs, p.Program.Close())
	}
	e.programs = nil
	return errors.Join(errs...)
}
