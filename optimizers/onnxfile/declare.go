package onnxfile

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

const maxText = 4096 // of a description, in bytes

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// tags are what hyper.NAME.… may end in.
var tags = []string{"default", "doc", "unit", "symbol", "range", "search", "choices", "official", "alias"}

func (f *file) readHyper(v *graph.Value) error {
	h := hyper{name: v.Name}
	if !identifier.MatchString(v.Name) {
		return fmt.Errorf("input %q cannot be a hyper-parameter: names are letters, digits and _", v.Name)
	}
	if err := scalar(v); err != nil {
		return fmt.Errorf("%w, as it is a hyper-parameter: no output is called %s_out", err, v.Name)
	}
	choices := f.model.Metadata["hyper."+v.Name+".choices"]
	switch v.Type.DType {
	case tensor.Float32, tensor.Float64:
		h.kind = registry.Number
	case tensor.Int64:
		h.kind = registry.Integer
	case tensor.Bool:
		h.kind = registry.Boolean
	default:
		return fmt.Errorf("hyper-parameter %q is %v; float, double, int64 and bool are possible", v.Name, v.Type.DType)
	}
	if choices != "" {
		if h.kind != registry.Integer {
			return fmt.Errorf("hyper-parameter %q has choices and is %v; it should be int64", v.Name, v.Type.DType)
		}
		h.kind, h.choices = registry.Choice, strings.Split(choices, "|")
	}
	f.hypers = append(f.hypers, h)
	return nil
}

// fields declares the hyper-parameters, lr first and the others in the order of the inputs.
func (f *file) fields() ([]registry.Field, error) {
	if err := f.checkMetadata(); err != nil {
		return nil, err
	}
	decay := registry.Field{Kind: registry.Number, Default: "0", Tags: map[string]string{"range": "[0,0]", "doc": "not part of this optimizer"}}
	if f.inputs["weight_decay"] != nil {
		decay.Tags = map[string]string{"range": "[0,inf)", "doc": "decay of the weights"}
	}
	all := []registry.Field{
		{Kind: registry.Number, Tags: map[string]string{"name": "lr", "range": "[0,inf)", "doc": "step size"}},
	}
	for _, h := range f.hypers {
		all = append(all, registry.Field{Kind: h.kind, Tags: map[string]string{"name": h.name, "doc": "no description"}})
	}
	decay.Tags["name"] = "weight_decay"
	all = append(all, decay)
	for i := range all {
		name := all[i].Tags["name"]
		for _, tag := range tags {
			if text := f.model.Metadata["hyper."+name+"."+tag]; text != "" && (name != "weight_decay" || f.inputs[name] != nil) {
				all[i].Tags[tag] = text
			}
		}
		all[i].Default = cmp.Or(all[i].Tags["default"], all[i].Default)
		if all[i].Default == "" {
			return nil, fmt.Errorf("metadata hyper.%s.default is missing", name)
		}
	}
	return all, nil
}

// checkMetadata finds misspelt keys, which would otherwise be without effect.
func (f *file) checkMetadata() error {
	for _, key := range slices.Sorted(maps.Keys(f.model.Metadata)) {
		if len(f.model.Metadata[key]) > maxText {
			return fmt.Errorf("metadata %.40q is longer than %d bytes", key, maxText)
		}
		parts := strings.Split(key, ".")
		switch {
		case parts[0] == "hyper" && (len(parts) != 3 || !slices.Contains(tags, parts[2])):
			return fmt.Errorf("metadata %q: there are hyper.NAME.%s", key, strings.Join(tags, ", ."))
		case parts[0] == "hyper" && f.inputs[parts[1]] == nil:
			return fmt.Errorf("metadata %q: there is no input %q", key, parts[1])
		case parts[0] == "slot" && (len(parts) != 3 || parts[2] != "init" || !slices.ContainsFunc(f.slots, func(s slot) bool { return s.name == parts[1] })):
			return fmt.Errorf("metadata %q is not slot.NAME.init of a slot", key)
		}
	}
	return nil
}

func (f *file) info(name string) registry.Info {
	about := func(key, absent string) string { return cmp.Or(f.model.Metadata["optimizer."+key], absent) }
	return registry.Info{
		Name: name, Doc: about("doc", "the optimizer "+about("name", "unnamed")), Paper: about("paper", f.path), Formula: about("formula", "the graph of "+f.path),
	}
}

// initial is what a slot holds before the first update.
func initial(text string, rank int) (func(*tensor.Tensor), error) {
	if text == "identity" {
		if rank != 2 {
			return nil, fmt.Errorf("is identity, which a slot of %d dimensions cannot be", rank)
		}
		return identity, nil
	}
	x, err := strconv.ParseFloat(cmp.Or(text, "0"), 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		return nil, fmt.Errorf("is %q, neither a finite number nor identity", text)
	}
	if x == 0 {
		return nil, nil
	}
	return func(t *tensor.Tensor) {
		all := make([]float64, t.Elems())
		for i := range all {
			all[i] = x
		}
		t.SetFloat64s(all)
	}, nil
}

func identity(t *tensor.Tensor) {
	all := make([]float64, t.Elems())
	for i := 0; i < min(t.Shape[0], t.Shape[1]); i++ {
		all[i*t.Shape[1]+i] = 1
	}
	t.SetFloat64s(all)
}
