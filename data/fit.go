package data

import (
	"fmt"
	"strings"

	"github.com/onnxtrain/onnxtrain/tensor"
)

func (f Field) String() string { return describeType(f.DType, f.Shape) }

// describeType prints float32[3,32,32], with ? for a free dimension.
func describeType(dt tensor.DType, shape tensor.Shape) string {
	return dt.String() + strings.ReplaceAll(shape.String(), "-1", "?")
}

// fit is the shape in which an array of shape got is handed to a field: the field's own, its free dimensions filled
// in. Axes of length 1 and flattening do not matter, any other difference is an error.
func (f Field) fit(dt tensor.DType, got tensor.Shape) (Field, error) {
	mismatch := fmt.Errorf("the model wants %v for %q, the data gives %v", f, f.Name, describeType(dt, got))
	if f.DType.IsInt() && dt.IsFloat() {
		return f, fmt.Errorf("%w; store whole numbers in it", mismatch)
	}
	if out, ok := fill(f.Shape, got); ok {
		return Field{f.Name, f.DType, out}, nil
	}
	want, have := squeeze(f.Shape), squeeze(got)
	if out, ok := fill(want, have); ok && len(want) == len(f.Shape) {
		return Field{f.Name, f.DType, out}, nil
	} else if ok && fixed(f.Shape) {
		return Field{f.Name, f.DType, f.Shape.Clone()}, nil
	}
	if (len(want) == 1 || len(have) == 1) && fixed(f.Shape) && f.Shape.Elems() == got.Elems() {
		return Field{f.Name, f.DType, f.Shape.Clone()}, nil
	}
	return f, fmt.Errorf("%w; bring the data to the model's shape, or export the model for this one", mismatch)
}

// fill puts got's lengths where want is free; false when they differ.
func fill(want, got tensor.Shape) (tensor.Shape, bool) {
	if len(want) != len(got) {
		return nil, false
	}
	for i, d := range want {
		if d >= 0 && d != got[i] {
			return nil, false
		}
	}
	return got.Clone(), true
}

func squeeze(s tensor.Shape) tensor.Shape {
	out := tensor.Shape{}
	for _, d := range s {
		if d != 1 {
			out = append(out, d)
		}
	}
	return out
}

func fixed(s tensor.Shape) bool {
	for _, d := range s {
		if d < 0 {
			return false
		}
	}
	return true
}

// oneInput is the model's only input, for formats that have nothing for a second one.
func (w Want) oneInput(scheme string) (Field, error) {
	if len(w.Inputs) != 1 {
		list := make([]string, len(w.Inputs))
		for i, f := range w.Inputs {
			list[i] = fmt.Sprintf("%s %v", f.Name, f)
		}
		return Field{}, fmt.Errorf("%s: feeds one input, the model has %d (%s); use npz: with an array for each", scheme, len(w.Inputs), strings.Join(list, ", "))
	}
	return w.Inputs[0], nil
}

// classLabel is the label field of data with one class index an example.
func (w Want) classLabel(classes int) (Field, error) {
	l := w.Label
	if l.Name == "" {
		l.Name = "label"
	}
	if l.DType != tensor.Invalid && (l.DType != tensor.Int64 || len(l.Shape) != 0) {
		return l, fmt.Errorf("the data has one class an example, the model's output wants %v labels; choose another --loss or --output", l)
	}
	if w.Classes > 0 && classes > w.Classes {
		return l, fmt.Errorf("the data has %d classes, the model's output only %d", classes, w.Classes)
	}
	return Field{l.Name, tensor.Int64, tensor.Shape{}}, nil
}

// ignoreIndex marks positions that a loss leaves out, as in PyTorch.
const ignoreIndex = -100

// checkClasses says whether class indices are inside of the model's classes.
func (w Want) checkClasses(labels []int64) error { return checkClasses(labels, w.Classes) }

func checkClasses(labels []int64, classes int) error {
	for _, c := range labels {
		switch {
		case c == ignoreIndex:
		case classes > 0 && (c < 0 || c >= int64(classes)):
			return fmt.Errorf("label %d is not a class; the model has classes 0 to %d", c, classes-1)
		case c < 0:
			return fmt.Errorf("label %d is not a class", c)
		}
	}
	return nil
}
