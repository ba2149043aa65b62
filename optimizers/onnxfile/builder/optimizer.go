// Package builder writes optimizers as ONNX files, in the form that package onnxfile reads.
//
// A Graph is put together node by node; Optimizer adds what the file says about itself. Descent along the sign of the
// gradient is
//
//	g := builder.NewGraph("")
//	g.OpTo("param_out", "Sub", "param", g.Op("Mul", g.ToFloat("lr"), g.Op("Sign", "grad")))
//	b, err := builder.Optimizer{
//		Name: "signs", Doc: "descent along signs", Dims: []string{"n"}, Graph: g,
//		Hypers: []builder.Hyper{{Name: "lr", Default: 1e-3, Range: "[0,inf)"}},
//	}.Marshal()
//
// The same Optimizer always gives the same bytes.
package builder

import (
	"fmt"
	"strconv"
)

const (
	opset     = 18
	irVersion = 8
)

// Type is an element type, by its number in ONNX.
type Type int

// The types that inputs of optimizers have.
const (
	Float  Type = 1
	Int64  Type = 7
	Bool   Type = 9
	Double Type = 11
)

// Optimizer is a file to write. param, grad and step are inputs of every one.
type Optimizer struct {
	Name, Doc, Paper, Formula, Version string
	Producer                           string // the program that writes the file
	// Dims names the dimensions of param and grad: n, or rows and cols, or others.
	Dims []string
	// Hosted are further inputs that the host gives: loss_terms, rank, role, shape, base_lr.
	Hosted []string
	Hypers []Hyper
	Slots  []Slot
	Graph  *Graph
}

// Hyper is a hyper-parameter: an input and its description. Default is a float64, int, bool, or the string that is one of
// Choices.
type Hyper struct {
	Name    string
	Default any
	Doc     string
	// As in docs/onnx-optimizers.md; Choices are separated by bars, aliases by spaces.
	Alias, Choices, Official, Range, Search, Symbol, Unit string
}

// Slot is a piece of state: an input and an output of the name with _out. Without dimensions it is a scalar.
type Slot struct {
	Name string
	Dims []string
	Init string // a number or identity; "": 0
}

var hosted = map[string]Value{
	"loss_terms": {Type: Int64}, "rank": {Type: Int64}, "role": {Type: Int64}, "base_lr": {Type: Double},
	"shape": {Type: Int64, Dims: []string{"rank"}},
}

// Marshal is the file. An error names the input or attribute that cannot be written; what a graph computes is checked
// when the file is opened.
func (o Optimizer) Marshal() ([]byte, error) {
	if o.Graph == nil {
		return nil, fmt.Errorf("optimizer %q has no graph", o.Name)
	}
	inputs, err := o.inputs()
	if err != nil {
		return nil, err
	}
	outputs := []Value{{"param_out", Float, o.Dims}}
	for _, s := range o.Slots {
		outputs = append(outputs, Value{s.Name + "_out", Float, s.Dims})
	}
	graph, err := o.Graph.message(o.Name, inputs, outputs)
	if err != nil {
		return nil, err
	}
	var m message
	m.integer(1, irVersion)
	if o.Producer != "" {
		m.text(2, o.Producer)
	}
	m.message(7, graph)
	var set message
	set.text(1, "")
	set.integer(2, opset)
	m.message(8, set)
	for _, domain := range o.Graph.domains() {
		var set message
		set.text(1, domain)
		set.integer(2, 1)
		m.message(8, set)
	}
	for _, p := range o.metadata() {
		var entry message
		entry.text(1, p[0])
		entry.text(2, p[1])
		m.message(14, entry)
	}
	return m, nil
}

func (o Optimizer) inputs() ([]Value, error) {
	all := []Value{{"param", Float, o.Dims}, {"grad", Float, o.Dims}, {"step", Int64, nil}}
	for _, name := range o.Hosted {
		v, ok := hosted[name]
		if !ok {
			return nil, fmt.Errorf("%q is no input that the host gives besides param, grad and step", name)
		}
		v.Name = name
		all = append(all, v)
	}
	for _, h := range o.Hypers {
		v := Value{Name: h.Name}
		switch h.Default.(type) {
		case float64:
			v.Type = Double
		case int, string:
			v.Type = Int64
		case bool:
			v.Type = Bool
		default:
			return nil, fmt.Errorf("hyper-parameter %q has the default %v; it should be a float64, int, bool or string", h.Name, h.Default)
		}
		all = append(all, v)
	}
	for _, s := range o.Slots {
		all = append(all, Value{s.Name, Float, s.Dims})
	}
	return all, nil
}

// metadata is pairs of keys and values.
func (o Optimizer) metadata() [][2]string {
	var all [][2]string
	add := func(key, value string) {
		if value != "" {
			all = append(all, [2]string{key, value})
		}
	}
	add("optimizer.doc", o.Doc)
	add("optimizer.paper", o.Paper)
	add("optimizer.formula", o.Formula)
	add("optimizer.version", o.Version)
	add("optimizer.name", o.Name)
	for _, h := range o.Hypers {
		key := "hyper." + h.Name + "."
		text := fmt.Sprint(h.Default)
		if x, ok := h.Default.(float64); ok {
			text = strconv.FormatFloat(x, 'g', -1, 64)
		}
		add(key+"default", text)
		add(key+"doc", h.Doc)
		for _, tag := range [][2]string{{"alias", h.Alias}, {"choices", h.Choices}, {"official", h.Official}, {"range", h.Range},
			{"search", h.Search}, {"symbol", h.Symbol}, {"unit", h.Unit}} {
			add(key+tag[0], tag[1])
		}
	}
	for _, s := range o.Slots {
		add("slot."+s.Name+".init", s.Init)
	}
	return all
}
