package train

import (
	"strings"

	"github.com/onnxtrain/onnxtrain/data"
)

// arrayNames are --inputs: what the data call the model's inputs and the labels, by the names of these.
type arrayNames map[string]string

func parseArrayNames(text string) (arrayNames, error) {
	a := arrayNames{}
	if text == "" {
		return a, nil
	}
	for _, part := range strings.Split(text, ",") {
		name, array, ok := strings.Cut(part, "=")
		if !ok || name == "" || array == "" {
			return nil, failf(Usage, "--inputs: %q is not NAME=ARRAY", part)
		}
		if a[name] != "" {
			return nil, failf(Usage, "--inputs: %q is named twice", name)
		}
		a[name] = array
	}
	return a, nil
}

// rename is w with the data's names.
func (a arrayNames) rename(w data.Want) (data.Want, error) {
	known := map[string]bool{}
	name := func(f data.Field) data.Field {
		known[f.Name] = true
		if array := a[f.Name]; array != "" {
			f.Name = array
		}
		return f
	}
	var all []string
	inputs := w.Inputs
	w.Inputs = nil
	for _, f := range inputs {
		all = append(all, f.Name)
		w.Inputs = append(w.Inputs, name(f))
	}
	all = append(all, w.Label.Name)
	w.Label = name(w.Label)
	more := w.More
	w.More = nil
	for _, l := range more {
		all = append(all, l.Name)
		w.More = append(w.More, data.Label{Field: name(l.Field), Classes: l.Classes})
	}
	for n := range a {
		if !known[n] {
			return w, failf(Usage, "--inputs: the model has no input %q, and no loss such a label (there are: %s)", n, strings.Join(all, " "))
		}
	}
	return w, nil
}

// modelFields are the fields of a data set under the names of the model's inputs and the losses' labels.
func modelFields(d data.Dataset, w data.Want) []data.Field {
	fields := d.Fields()
	names := make([]string, 0, len(fields))
	for _, f := range w.Inputs {
		names = append(names, f.Name)
	}
	names = append(names, w.Label.Name)
	for _, l := range w.More {
		names = append(names, l.Name)
	}
	for i := range fields {
		if i < len(names) {
			fields[i].Name = names[i]
		}
	}
	return fields
}
