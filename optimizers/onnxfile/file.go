package onnxfile

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/onnxload"
	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// An optimizer is small: what is larger is a model that was taken for one.
const (
	maxFile  = 64 << 20
	maxNames = 64
)

// file is an optimizer's file. It is shared by all optimizers made of it.
type file struct {
	path   string
	model  *onnxload.Model
	inputs map[string]*graph.Value
	dims   []string // names of the parameter's axes
	hypers []hyper
	slots  []slot
	// outputs says what each one is: the index of a slot, or -1 for the parameter.
	outputs    []int
	readsSizes bool // whether a block of a row would see another length than the row
	plain      bool // runs every graph node by node, which is the judge of loops
	units      *shelf
}

// hyper is an input that is a setting.
type hyper struct {
	name    string
	kind    registry.Kind
	choices []string
}

// slot is a pair of an input and an output.
type slot struct {
	name string
	dims []string // names or numbers
	dt   tensor.DType
	init func(*tensor.Tensor)
}

// Open reads and checks an optimizer's file. The entry goes by the given name. Errors name the file and the input, output
// or metadata that is wrong.
func Open(name, path string) (*registry.Entry, error) {
	e, err := open(name, path)
	if err != nil && !strings.Contains(err.Error(), path) {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return e, err
}

func open(name, path string) (*registry.Entry, error) {
	m, err := onnxload.Open(path, onnxload.Options{MaxFile: maxFile, MaxTensors: maxFile})
	if err != nil {
		return nil, err
	}
	g, err := m.NewGraph()
	if err != nil {
		return nil, err
	}
	f := &file{path: path, model: m, inputs: map[string]*graph.Value{}, units: &shelf{units: map[string]*unit{}}}
	if err := f.read(g); err != nil {
		return nil, fmt.Errorf("%w; docs/onnx-optimizers.md says what an optimizer's file holds", err)
	}
	fields, err := f.fields()
	if err != nil {
		return nil, err
	}
	runtime.AddCleanup(f, (*shelf).close, f.units)
	e, err := registry.NewEntry(f.info(name), path, fields, f.build)
	if err != nil {
		return nil, err
	}
	e.Version = m.Metadata["optimizer.version"]
	e.Digest, err = digest(m.Files())
	return e, err
}

// read sorts the graph's inputs and outputs.
func (f *file) read(g *graph.Graph) error {
	if len(g.Inputs) > maxNames || len(g.Outputs) > maxNames {
		return fmt.Errorf("%d inputs and %d outputs; %d are the most", len(g.Inputs), len(g.Outputs), maxNames)
	}
	for _, v := range g.Inputs {
		f.inputs[v.Name] = v
	}
	for _, name := range []string{"param", "grad", "lr"} {
		if f.inputs[name] == nil {
			return fmt.Errorf("there is no input %q; the inputs are %s", name, namesOf(g.Inputs))
		}
	}
	if err := f.readParam(g); err != nil {
		return err
	}
	for _, v := range g.Outputs {
		name, ok := strings.CutSuffix(v.Name, "_out")
		if !ok || f.inputs[name] == nil || hosted[name] != nil && name != "param" {
			return fmt.Errorf("output %q is neither param_out nor a slot's name with _out", v.Name)
		}
	}
	if !slices.ContainsFunc(g.Outputs, func(v *graph.Value) bool { return v.Name == "param_out" }) {
		return fmt.Errorf("there is no output %q; the outputs are %s", "param_out", namesOf(g.Outputs))
	}
	if err := f.readRest(g); err != nil {
		return err
	}
	f.readsSizes = readsSizes(g)
	for _, v := range g.Outputs {
		f.outputs = append(f.outputs, slices.IndexFunc(f.slots, func(s slot) bool { return s.name+"_out" == v.Name }))
	}
	return nil
}

func namesOf(list []*graph.Value) string {
	var names []string
	for _, v := range list {
		names = append(names, v.Name)
	}
	return strings.Join(names, " ")
}

func (f *file) readParam(g *graph.Graph) error {
	for _, name := range []string{"param", "grad"} {
		v := f.inputs[name]
		if v.Type.DType != tensor.Float32 || v.Type.Shape == nil || len(v.Type.Shape) == 0 {
			return fmt.Errorf("input %q is %v; it should be float with named dimensions, such as [n]", name, v.Type)
		}
		dims := dimsOf(v)
		for i, d := range dims {
			if v.Type.Shape[i] != -1 || d == "?" || slices.Contains(dims[:i], d) {
				return fmt.Errorf("input %q has dimensions [%s]; each needs a name of its own", name, strings.Join(dims, ","))
			}
		}
		if name == "param" {
			f.dims = dims
		} else if !slices.Equal(dims, f.dims) {
			return fmt.Errorf("grad has dimensions [%s], param [%s]", strings.Join(dims, ","), strings.Join(f.dims, ","))
		}
	}
	return nil
}

// dimsOf are the dimensions as the file has them: names or numbers.
func dimsOf(v *graph.Value) []string {
	dims := make([]string, len(v.Type.Shape))
	for i, d := range v.Type.Shape {
		dims[i] = fmt.Sprint(d)
		if d == -1 {
			dims[i] = "?"
			if i < len(v.Symbols) && v.Symbols[i] != "" {
				dims[i] = v.Symbols[i]
			}
		}
	}
	return dims
}

// readRest reads the inputs that the host gives, slots and hyper-parameters.
func (f *file) readRest(g *graph.Graph) error {
	for _, v := range g.Inputs {
		var err error
		switch types := hosted[v.Name]; {
		case v.Name == "param" || v.Name == "grad":
		case types != nil:
			err = hostedType(v, types)
		case slices.ContainsFunc(g.Outputs, func(out *graph.Value) bool { return out.Name == v.Name+"_out" }):
			err = f.readSlot(v)
		default:
			err = f.readHyper(v)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

var number = []tensor.DType{tensor.Float32, tensor.Float64}

// hosted are the inputs that the host gives, with the types they may have.
var hosted = map[string][]tensor.DType{
	"param": number, "grad": number, "lr": number, "weight_decay": number, "base_lr": number,
	"step": {tensor.Int64}, "loss_terms": {tensor.Int64}, "rank": {tensor.Int64}, "shape": {tensor.Int64}, "role": {tensor.Int64},
}

func hostedType(v *graph.Value, types []tensor.DType) error {
	if !slices.Contains(types, v.Type.DType) {
		return fmt.Errorf("input %q is %v; it should be %v", v.Name, v.Type, types)
	}
	if v.Name == "shape" {
		if len(v.Type.Shape) != 1 || v.Type.Shape[0] != -1 {
			return fmt.Errorf("input %q is %v; it should be int64 of one dimension with a name", v.Name, v.Type)
		}
		return nil
	}
	return scalar(v)
}

func scalar(v *graph.Value) error {
	if s := v.Type.Shape; s == nil || len(s) > 1 || len(s) == 1 && s[0] != 1 {
		return fmt.Errorf("input %q is %v; it should be a scalar", v.Name, v.Type)
	}
	return nil
}

func (f *file) readSlot(v *graph.Value) error {
	if v.Type.DType == tensor.Invalid || v.Type.Shape == nil {
		return fmt.Errorf("slot %q is %v; its type and dimensions are needed", v.Name, v.Type)
	}
	s := slot{name: v.Name, dims: dimsOf(v), dt: v.Type.DType}
	for i, d := range s.dims {
		if v.Type.Shape[i] == 0 || v.Type.Shape[i] == -1 && !slices.Contains(f.dims, d) {
			return fmt.Errorf("slot %q has dimension %s; the parameter's are [%s]", v.Name, d, strings.Join(f.dims, ","))
		}
	}
	var err error
	if s.init, err = initial(f.model.Metadata["slot."+v.Name+".init"], len(s.dims)); err != nil {
		return fmt.Errorf("metadata slot.%s.init %w", v.Name, err)
	}
	f.slots = append(f.slots, s)
	return nil
}
