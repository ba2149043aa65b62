// Package train trains an imported model: programs over shared parameters, the loop, schedules, evaluation and the
// run directory. It is the Go API that users embed.
package train

import (
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
	first *pass.Built
	// elsewhere is what the process takes besides programs and parameters, once the run is planned.
	elsewhere int64
	// activations is the memory of the first program's values in bytes.
	activations int64
	o           EngineOptions
	memory      map[string]*tensor.Tensor // parameters and states by name
	programs    map[programKey]*Program
}

// EngineOptions say how to build programs.
type EngineOptions struct {
	Backend string // "" is cpu
	Pool    *par.Pool
	// Fields are the data's arrays. One that is named as an input of the model feeds it; the others, in order, are the
	// labels of the losses, whose Label is taken from here.
	Fields    []data.Field
	Loss      pass.Loss
	DType     tensor.DType // see pass.Options
	Tie       bool
	Freeze    func(name string) bool
	Train     func(name string) bool // see pass.Options, as for those that follow
	BatchNorm string

	UnfoldBatchNorm bool
	Recompute       bool
	AllowUnused     bool
	After           func(pass string, g *graph.Graph) bool
	// Memory gives the memory of parameters; nil, or a nil result: the engine's own.
	Memory    func(dt tensor.DType, shape tensor.Shape) *tensor.Tensor
	MaxBytes  int64
	Reference bool
}

type programKey struct {
	types    string // of a batch
	training bool
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
	e.first, e.activations = p.Built, p.Memory().ArenaBytes
	e.Notices = p.Built.Graph.Notices
	e.Loss = p.Built.LossKind
	for _, v := range p.Built.Params {
		e.Params = append(e.Params, registry.ParamInfo{Name: v.Name, Shape: v.Type.Shape, DType: v.Type.DType,
			Role: registry.Role(pass.Role(p.Built.Graph, v)), Compute: e.o.DType})
		e.Values = append(e.Values, e.memory[v.Name])
	}
	return e, nil
}

// Program returns the program for count examples of the shapes in EngineOptions.Fields, compiling it on first use.
func (e *Engine) Program(count int, training bool) (*Program, error) {
	return e.program(fieldTypes(e.o.Fields, count), training)
}

// fieldTypes are the types of the arrays of count examples.
func fieldTypes(fields []data.Field, count int) []graph.Type {
	types := make([]graph.Type, len(fields))
	for i, f := range fields {
		types[i] = graph.Type{DType: f.DType, Shape: batched(count, f.Shape)}
	}
	return types
}

// ProgramFor returns the program for a batch, whose shapes may differ from EngineOptions.Fields where the model leaves
// them open, compiling it on first use.
func (e *Engine) ProgramFor(b *data.Batch, training bool) (*Program, error) {
	return e.program(typesOf(b), training)
}

func typesOf(b *data.Batch) []graph.Type {
	types := make([]graph.Type, len(b.Tensors))
	for i, t := range b.Tensors {
		types[i] = graph.Type{DType: t.DType, Shape: t.Shape}
	}
	return types
}

func (e *Engine) program(types []graph.Type, training bool) (*Program, error) {
	key := programKey{fmt.Sprint(types), training}
	if p := e.programs[key]; p != nil {
		return p, nil
	}
	p, err := e.compile(types, training)
	if err != nil {
		return nil, err
	}
	e.programs[key] = p
	return p, nil
}

// inputFields says for each field which input of the graph it feeds, nil for labels of attached losses.
func (e *Engine) inputFields(g *graph.Graph) []*graph.Value {
	byName := map[string]*graph.Value{}
	for _, v := range g.Inputs {
		byName[v.Name] = v
	}
	feeds := make([]*graph.Value, len(e.o.Fields))
	for i, f := range e.o.Fields {
		feeds[i] = byName[f.Name]
		delete(byName, f.Name) // a label may be called as an input is
	}
	return feeds
}

func (e *Engine) compile(types []graph.Type, training bool) (*Program, error) {
	return e.compileKeeping(types, training, nil)
}

// compileKeeping compiles a program that leaves further values readable after a run. Those of extra, which may be nil, are not
// made twice.
func (e *Engine) compileKeeping(types []graph.Type, training bool, extra func(*pass.Built) []*graph.Value) (*Program, error) {
	g, err := e.Model.NewGraph()
	if err != nil {
		return nil, fail(BadModel, err)
	}
	o := pass.Options{Training: training, DType: e.o.DType, Tie: e.o.Tie, Freeze: e.o.Freeze, Train: e.o.Train, BatchNorm: e.o.BatchNorm,
		UnfoldBatchNorm: e.o.UnfoldBatchNorm, Recompute: e.o.Recompute && extra == nil, AllowUnused: e.o.AllowUnused, After: e.o.After, Shapes: map[string]tensor.Shape{}}
	if e.first != nil {
		o.Weights = e.first.Weights
	}
	var labels []graph.Type
	feeds := e.inputFields(g)
	for i, v := range feeds {
		if v == nil {
			labels = append(labels, types[i])
		} else {
			o.Shapes[v.Name] = types[i].Shape
		}
	}
	if o.Loss, err = labelled(e.o.Loss, labels); err != nil {
		return nil, err
	}
	open := openInputs(g)
	built, err := pass.Build(g, o)
	if err != nil {
		return nil, fail(BadModel, fmt.Errorf("%s: %w%s", e.Model.Path, err, takenAs(open, o.Shapes)))
	}
	b, err := backend.Lookup(e.o.Backend)
	if err != nil {
		return nil, fail(Usage, err)
	}
	var keep []*graph.Value
	if extra != nil {
		keep = extra(built)
	}
	keep = append(append(keep, built.Output), built.Grads...)
	if built.Loss != nil {
		keep = append(keep, built.Loss)
	}
	compiled, err := b.Compile(g, backend.Options{Pool: e.o.Pool, Memory: e.shared, Keep: keep, MaxBytes: e.room(), Reference: e.o.Reference})
	if err != nil {
		kind := BadModel
		if errors.Is(err, backend.ErrTooLarge) {
			kind = Resources
		}
		return nil, fail(kind, fmt.Errorf("%s: %w%s", e.Model.Path, err, e.smaller(err, training)))
	}
	p := &Program{Built: built, Program: compiled, output: compiled.Tensor(built.Output)}
	p.wire(feeds)
	for _, v := range built.Grads {
		p.Grads = append(p.Grads, compiled.Tensor(v))
	}
	if built.RNG != nil {
		p.rng = compiled.Tensor(built.RNG)
	}
	return p, nil
}

// smaller is what may help besides a smaller batch when a program is too large, and not a single node of it.
func (e *Engine) smaller(err error, training bool) string {
	var node *graph.Error
	if !training || e.o.Recompute || !errors.Is(err, backend.ErrTooLarge) || errors.As(err, &node) {
		return ""
	}
	return " or --recompute"
}

// openInputs lists the inputs that leave more dimensions open than the batch.
func openInputs(g *graph.Graph) []string {
	var names []string
	for _, v := range g.Inputs {
		if len(v.Type.Shape) > 0 && slices.Contains(v.Type.Shape[1:], -1) {
			names = append(names, v.Name)
		}
	}
	return names
}

// takenAs says what open dimensions the data have, of which a model may not take every size.
func takenAs(open []string, shapes map[string]tensor.Shape) string {
	if len(open) == 0 {
		return ""
	}
	text := " (with the data's sizes for open dimensions:"
	for _, name := range open {
		text += fmt.Sprintf(" %s%v", name, shapes[name])
	}
	return text + ")"
}

func batched(count int, shape tensor.Shape) tensor.Shape {
	return append(tensor.Shape{count}, shape...)
}

// shared is the memory of a parameter or state, the same for all programs of the engine. The graph's value lets go of the
// file's.
func (e *Engine) shared(v *graph.Value) *tensor.Tensor {
	t := e.memory[v.Name]
	if t == nil {
		if e.o.Memory != nil && v.Kind == graph.Param {
			t = e.o.Memory(v.Type.DType, v.Type.Shape)
		}
		if t == nil {
			t = tensor.New(v.Init.DType, v.Init.Shape...)
		}
		copy(t.Data, v.Init.Data)
		e.memory[v.Name] = t
	}
	v.Init = t
	return t
}

// stored are the names under which a file keeps the parameters and states, in order.
func (e *Engine) stored() []string { return slices.Sorted(maps.Keys(e.FileWeights())) }

// Weights are the parameters and states by name, as they are now.
func (e *Engine) Weights() map[string]*tensor.Tensor { return e.memory }

// Close frees the programs' memory; parameters stay.
func (e *Engine) Close() error {
	err := e.freePrograms()
	e.programs = nil
	return err
}

// freePrograms makes room; programs that are needed again are compiled anew.
func (e *Engine) freePrograms() error {
	var errs []error
	for key, p := range e.programs {
		errs = append(errs, p.Program.Close())
		delete(e.programs, key)
	}
	return errors.Join(errs...)
}
