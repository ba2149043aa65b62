package onnxfile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/pass"
	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// rowName is the dimension name of a parameter that is seen as one row of elements, matrixNames those of one that is
// seen as a matrix.
const rowName = "n"

var matrixNames = []string{"rows", "cols"}

// view is the shape that the graph sees of a parameter.
func (f *file) view(p registry.ParamInfo) (tensor.Shape, error) {
	switch {
	case slices.Equal(f.dims, []string{rowName}):
		return tensor.Shape{p.Shape.Elems()}, nil
	case slices.Equal(f.dims, matrixNames):
		if len(p.Shape) == 0 {
			return tensor.Shape{1, 1}, nil
		}
		return tensor.Shape{p.Shape[0], p.Shape[1:].Elems()}, nil
	case len(f.dims) != len(p.Shape):
		return nil, fmt.Errorf("parameter %q has shape %v, and the input param takes [%s]; [n] or [rows,cols] would take any",
			p.Name, p.Shape, strings.Join(f.dims, ","))
	}
	return p.Shape, nil
}

// sized are dimensions as numbers for a parameter's view.
func (f *file) sized(dims []string, view tensor.Shape) tensor.Shape {
	shape := make(tensor.Shape, len(dims))
	for i, d := range dims {
		if at := slices.Index(f.dims, d); at >= 0 {
			shape[i] = view[at]
		} else {
			shape[i], _ = strconv.Atoi(d) // readSlot has seen that it is a number
		}
	}
	return shape
}

// precise is the type that the graph has where the file says float.
func precise(dt tensor.DType, p registry.ParamInfo) tensor.DType {
	if dt == tensor.Float32 {
		return p.DType
	}
	return dt
}

// graph is the file's graph for a view of a parameter.
func (f *file) graph(view tensor.Shape, p registry.ParamInfo, fixed map[string]*tensor.Tensor) (*graph.Graph, error) {
	g, err := f.model.NewGraph()
	if err != nil {
		return nil, err
	}
	for _, v := range g.Inputs {
		if fixed[v.Name] != nil {
			continue
		}
		if v.Type.DType = precise(v.Type.DType, p); len(v.Type.Shape) > 0 {
			v.Type.Shape, v.Symbols = f.sized(dimsOf(v), view), nil
		}
	}
	built, err := pass.Build(g, pass.Options{
		Fixed: fixed, Literal: true, Loss: pass.Loss{Kind: "none"}, DType: p.DType, Freeze: func(string) bool { return true },
	})
	if err != nil {
		return nil, f.about(err)
	}
	if built.RNG != nil {
		return nil, f.about(fmt.Errorf("the graph has random operators; an update is a function of its inputs alone"))
	}
	return g, f.about(f.checkOutputs(g, view, p))
}

// checkOutputs compares what the graph computes with what it replaces.
func (f *file) checkOutputs(g *graph.Graph, view tensor.Shape, p registry.ParamInfo) error {
	if len(g.Outputs) != len(f.outputs) {
		return fmt.Errorf("the graph has %d outputs, the file %d", len(g.Outputs), len(f.outputs))
	}
	for i, v := range g.Outputs {
		want := graph.Type{DType: p.DType, Shape: view}
		if s := f.outputs[i]; s >= 0 {
			want = graph.Type{DType: precise(f.slots[s].dt, p), Shape: f.sized(f.slots[s].dims, view)}
		}
		if v.Type.DType != want.DType || !v.Type.Shape.Equal(want.Shape) {
			return fmt.Errorf("output %q is %v for parameter %q of shape %v; it should be %v", f.outputName(i), v.Type, p.Name, p.Shape, want)
		}
	}
	return nil
}

func (f *file) outputName(i int) string {
	if s := f.outputs[i]; s >= 0 {
		return f.slots[s].name + "_out"
	}
	return "param_out"
}

// origin follows copies back.
func origin(v *graph.Value) *graph.Value {
	for v.Producer != nil && v.Producer.Input(0) != nil && v.Producer.Op.Type == "Identity" && v.Producer.Op.Domain == "" {
		v = v.Producer.In[0]
	}
	return v
}

// kept reports, by slot, whether a parameter has it: one that the graph neither reads nor changes takes no memory.
func (f *file) kept(g *graph.Graph) []bool {
	of := func(v *graph.Value) int {
		if v = origin(v); v.Kind != graph.Input {
			return -1
		}
		return slices.IndexFunc(f.slots, func(s slot) bool { return s.name == v.Name })
	}
	kept := make([]bool, len(f.slots))
	for i, s := range f.outputs {
		if s >= 0 && of(g.Outputs[i]) != s {
			kept[s] = true
		}
		if from := of(g.Outputs[i]); from >= 0 && from != s {
			kept[from] = true
		}
	}
	for _, n := range g.Nodes {
		if n.Op.Type == "Identity" {
			continue
		}
		for _, v := range n.In {
			if v != nil && of(v) >= 0 {
				kept[of(v)] = true
			}
		}
	}
	return kept
}

// elementwise are operators that compute each element of their first output's from the same element of their inputs, or
// scalars. Preview-training operators with one tensor are among them.
var elementwise = func() map[string]bool {
	all := map[string]bool{}
	for _, name := range strings.Fields(`Abs Add And Cast Ceil Clip Div Equal Erf Exp Floor Greater GreaterOrEqual Identity Less
		LessOrEqual Log Max Mean Min Mod Mul Neg Not Or Pow Reciprocal Relu Round Sigmoid Sign Softplus Sqrt Sub Sum Tanh Where Xor
		Adam Adagrad Momentum IsNaN IsInf LeakyRelu Sin Cos`) {
		all[name] = true
	}
	return all
}()

// dependent marks, by value, what depends on elements.
func (f *file) dependent(g *graph.Graph) []bool {
	depends := make([]bool, len(g.Values))
	for _, v := range g.Inputs {
		depends[v.ID] = f.perElement(v.Name)
	}
	for _, n := range g.Nodes {
		if !slices.ContainsFunc(n.In, func(v *graph.Value) bool { return v != nil && depends[v.ID] }) {
			continue
		}
		for _, v := range n.Out {
			if v != nil {
				depends[v.ID] = true
			}
		}
	}
	return depends
}

// row reports whether the graph over a block of a row is that over all of it.
func (f *file) row() bool { return len(f.dims) == 1 && f.dims[0] == rowName && !f.readsSizes }

// blockwise reports whether a graph over a row computes every element on its own.
func (f *file) blockwise(g *graph.Graph, view tensor.Shape, depends []bool) bool {
	if !f.row() || !f.separate(g, depends) {
		return false
	}
	for _, n := range g.Nodes {
		for _, v := range n.Out {
			if v != nil && depends[v.ID] && (!elementwise[n.Op.Type] || !v.Type.Shape.Equal(view)) {
				return false
			}
		}
	}
	return true
}

// separate reports whether what has an element for each of the parameter's is all that depends on elements.
func (f *file) separate(g *graph.Graph, depends []bool) bool {
	for i, v := range g.Outputs {
		if depends[v.ID] != (f.outputs[i] < 0 || f.perElement(f.slots[f.outputs[i]].name)) {
			return false
		}
	}
	return true
}

// perElement reports inputs that have an element for each one of a parameter that is seen as a row.
func (f *file) perElement(name string) bool {
	if name == "param" || name == "grad" {
		return true
	}
	i := slices.IndexFunc(f.slots, func(s slot) bool { return s.name == name })
	return i >= 0 && slices.Equal(f.slots[i].dims, f.dims)
}

// readsSizes looks for operators whose result depends on how long a row is.
func readsSizes(g *graph.Graph) bool {
	for _, n := range g.Nodes {
		if n.Op.Type == "Shape" || n.Op.Type == "Size" {
			return true
		}
		for _, a := range n.Attrs {
			if sub, ok := a.Value.(*graph.Graph); ok && readsSizes(sub) {
				return true
			}
		}
	}
	return false
}
