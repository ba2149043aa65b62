// Package inspect tells what a model holds and whether it can be trained, without training it.
package inspect

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/onnxtrain/onnxtrain/backend"
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/graph/pass"
	"github.com/onnxtrain/onnxtrain/onnxload"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/train"
)

// Report is what there is to know about a model before training it.
type Report struct {
	File      string         `json:"file"`
	Producer  string         `json:"producer"`
	IRVersion int64          `json:"ir_version"`
	Opset     map[string]int `json:"opset"`
	Inputs    []Value        `json:"inputs"`
	Outputs   []Value        `json:"outputs"`
	Loss      string         `json:"loss"`
	// Operators lists every operator of the file.
	Operators  []Operator `json:"operators"`
	Parameters []Param    `json:"parameters"`
	State      []Param    `json:"state"`
	Elements   int        `json:"parameter_elements"`
	Notices    []string   `json:"notices"`
	Batch      int        `json:"batch"`
	PlanBytes  int64      `json:"plan_bytes"` // of a training step, without the optimizer's state
	Trainable  bool       `json:"trainable"`
	Why        string     `json:"why,omitempty"` // why it is not
}

// Value is an input or output; open dimensions have their names.
type Value struct {
	Name  string `json:"name"`
	DType string `json:"dtype"`
	Shape string `json:"shape"`
}

// Param is a parameter or state.
type Param struct {
	Name  string `json:"name"`
	Shape []int  `json:"shape"`
	Role  string `json:"role,omitempty"`
}

// Operator is the status of all nodes of one type and version.
type Operator struct {
	Type     string `json:"type"`
	Since    int    `json:"since"`
	Count    int    `json:"count"`
	Forward  string `json:"forward"`  // yes, no
	Gradient string `json:"gradient"` // yes, no, stops: the operator is not differentiable
	// Kernel names what runs the nodes that are left in a training step: kernels, "reference", or "folded" when passes
	// computed, fused or replaced them all; empty when the step could not be built.
	Kernel string `json:"kernel"`
}

// Options of an inspection.
type Options struct {
	Batch  int
	Length int // taken for open dimensions other than the batch
	// After, with Dump, stops after a pass and prints the graph.
	After string
	Dump  func(g *graph.Graph)
}

// Model inspects the file at path. An error means that the file cannot be read at all; what keeps a readable model
// from training is in the report.
func Model(path string, o Options) (*Report, error) {
	m, err := onnxload.Open(path, onnxload.Options{})
	if err != nil {
		return nil, err
	}
	g, err := m.NewGraph()
	if err != nil {
		return nil, err
	}
	r := &Report{File: path, Producer: m.Producer, IRVersion: m.IRVersion, Opset: g.Opset, Batch: o.Batch,
		Parameters: []Param{}, State: []Param{}, Notices: []string{}}
	for _, v := range g.Inputs {
		r.Inputs = append(r.Inputs, Value{v.Name, v.Type.DType.String(), pass.Dims(v)})
	}
	for _, v := range g.Outputs {
		r.Outputs = append(r.Outputs, Value{v.Name, v.Type.DType.String(), pass.Dims(v)})
	}
	r.Operators = operators(g)
	if err := r.training(m, o); err != nil {
		if errors.Is(err, pass.ErrStopped) {
			return nil, err
		}
		r.Why = err.Error()
	}
	return r, nil
}

// operators counts the operators of a graph as loaded.
func operators(g *graph.Graph) []Operator {
	count := map[graph.OpID]int{}
	for _, n := range g.Nodes {
		count[n.Op]++
	}
	var list []Operator
	for id, c := range count {
		o := Operator{Type: id.Type, Since: id.Since, Count: c, Forward: "yes", Gradient: "yes"}
		if id.Domain != "" {
			o.Type = id.Domain + "::" + id.Type
		}
		switch def, err := op.Resolve(id.Domain, id.Type, id.Since); {
		case pass.Expands(id): // to nodes that have gradients
		case err != nil:
			o.Forward, o.Gradient = "no", "no"
		case def.Grad == nil:
			o.Since, o.Gradient = def.Since, "stops"
		default:
			o.Since = def.Since
		}
		list = append(list, o)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Type < list[j].Type })
	return list
}

// training builds and compiles a training step and reports what it found.
func (r *Report) training(m *onnxload.Model, o Options) error {
	w, err := train.Wants(m, pass.Loss{})
	if err != nil {
		return err
	}
	po := pass.Options{Training: true, Shapes: map[string]tensor.Shape{}}
	fill := func(s tensor.Shape) tensor.Shape {
		out := tensor.Shape{o.Batch}
		for i, d := range s {
			if d == -1 {
				d = o.Length
				r.Notices = append(r.Notices, fmt.Sprintf("open dimension %d is taken as %d for this report", i+1, d))
			}
			out = append(out, d)
		}
		return out
	}
	for _, f := range w.Inputs {
		po.Shapes[f.Name] = fill(f.Shape)
	}
	if w.Label.DType == tensor.Invalid {
		w.Label.DType = tensor.Int64
	}
	po.Loss.Label = graph.Type{DType: w.Label.DType, Shape: fill(w.Label.Shape)}
	if o.After != "" {
		if !slices.Contains(pass.Passes(), o.After) {
			return fmt.Errorf("no pass %q; there are: %s", o.After, strings.Join(pass.Passes(), " "))
		}
		po.After = func(name string, g *graph.Graph) bool {
			if name == o.After {
				o.Dump(g)
			}
			return name != o.After
		}
		g, err := m.NewGraph()
		if err != nil {
			return err
		}
		_, err = pass.Build(g, po)
		return err
	}
	g, err := m.NewGraph()
	if err != nil {
		return err
	}
	built, err := pass.Build(g, po)
	if err != nil {
		return err
	}
	r.Notices = append(r.Notices, g.Notices...)
	r.Loss = built.LossKind
	for _, v := range built.Params {
		r.Parameters = append(r.Parameters, Param{v.Name, v.Type.Shape, string(pass.Role(g, v))})
		r.Elements += v.Type.Shape.Elems()
	}
	for _, v := range g.OfKind(graph.State) {
		r.State = append(r.State, Param{Name: v.Name, Shape: v.Type.Shape})
	}
	return r.compile(built)
}

// compile asks the backend which kernel runs each operator, and what memory the step takes.
func (r *Report) compile(built *pass.Built) error {
	b, err := backend.Lookup("cpu")
	if err != nil {
		return err
	}
	p, err := b.Compile(built.Graph, backend.Options{Keep: append([]*graph.Value{built.Output, built.Loss}, built.Grads...)})
	if err != nil {
		return err
	}
	defer p.Close()
	r.PlanBytes = p.Memory().Total()
	kernels := map[string][]string{}
	for _, n := range built.Graph.Nodes {
		if n.Origin == nil {
			name := n.Op.Type
			if n.Op.Domain != "" && n.Op.Domain != op.Internal {
				name = n.Op.Domain + "::" + name
			}
			if k := p.Kernel(n); !slices.Contains(kernels[name], k) {
				kernels[name] = append(kernels[name], k)
			}
		}
	}
	// Operators that passes replace by one of the internal domain.
	for from, to := range map[string]string{"BatchNormalization": "BatchNormTraining", "MatMul": "FusedMatMul"} {
		kernels[from] = append(kernels[from], kernels[to]...)
	}
	for i := range r.Operators {
		o := &r.Operators[i]
		slices.Sort(kernels[o.Type])
		if o.Kernel = strings.Join(slices.Compact(kernels[o.Type]), " "); o.Kernel == "" {
			o.Kernel = "folded"
		}
	}
	r.Trainable = true
	return nil
}
