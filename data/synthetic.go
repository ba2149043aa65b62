package data

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	Register("synthetic", Format{
		Doc:     "made-up data fitted to the model: drawn glyphs, token sequences, clusters or a regression",
		Example: "synthetic:?n=4000&split=val",
		Options: []Option{
			{"n", "examples (4000, 1000 of val)"},
			{"split", "train or val; they share the task and no example (train)"},
			{"vocab", "tokens to use in integer inputs (the model's table, at most 64)"},
			{"length", "length of open axes (32)"},
		},
		Pathless: true,
		Open:     openSynthetic,
	})
}

// The task is the same for every seed, so that a model can be scored on examples that it was not trained on.
const (
	taskSeed       = 0x6f6e6e78
	syntheticTrain = 1 // epochs of the example streams
	syntheticVal   = 2
)

// synthetic makes example i out of a random stream of its own; nothing is stored.
type synthetic struct {
	n      int
	seed   uint64
	split  uint64
	fields []Field
	task   task
}

// task writes the inputs and the label of an example.
type task interface {
	write(r *Rand, dst []*tensor.Tensor)
}

func openSynthetic(q Request) (Dataset, error) {
	if q.Path != "" {
		return nil, fmt.Errorf("synthetic data has no path; write synthetic:?n=4000")
	}
	val := q.Options.Choice("split", "train", "train", "val") == "val"
	d := &synthetic{n: 4000, seed: q.Seed, split: syntheticTrain}
	if val {
		d.n, d.split = 1000, syntheticVal
	}
	d.n = q.Options.Int("n", d.n, 1, math.MaxInt32)
	length := q.Options.Int("length", 32, 1, 1<<16)
	vocab := q.Options.Int("vocab", 0, 0, math.MaxInt32)
	if err := q.Options.Err(); err != nil {
		return nil, err
	}
	if len(q.Want.Inputs) == 0 {
		return nil, fmt.Errorf("the model has no input")
	}
	for _, f := range q.Want.Inputs {
		d.fields = append(d.fields, Field{f.Name, f.DType, openAxes(f, length)})
	}
	label := q.Want.Label
	if label.Name == "" {
		label.Name = "label"
	}
	if label.DType == tensor.Invalid {
		return nil, fmt.Errorf("cannot tell from the model's output what its labels are; give --data, or choose the --loss")
	}
	label.Shape = label.Shape.Clone()
	for i, dim := range label.Shape {
		if dim < 0 { // the label follows the input's axes
			label.Shape[i] = length
			if in := d.fields[0].Shape; i < len(in) && len(in) >= len(label.Shape) {
				label.Shape[i] = in[i+len(in)-len(label.Shape)]
			}
		}
	}
	for _, f := range append(d.fields[:len(d.fields):len(d.fields)], label) {
		if err := f.Shape.Check(f.DType); err != nil {
			return nil, fmt.Errorf("%q: %w", f.Name, err)
		}
		if f.Shape.Elems() == 0 || f.Shape.Elems() > 1<<28 {
			return nil, fmt.Errorf("%q: %v is no size for synthetic data", f.Name, f)
		}
	}
	d.fields = append(d.fields, label)
	return d, d.choose(q.Want, vocab)
}

// openAxes fills in free dimensions: colour for the first of three, length for the others.
func openAxes(f Field, length int) tensor.Shape {
	s := f.Shape.Clone()
	for i, d := range s {
		switch {
		case d >= 0:
		case i == 0 && len(s) == 3 && f.DType.IsFloat():
			s[i] = 3
		default:
			s[i] = length
		}
	}
	return s
}

// choose picks what the inputs and the label are made of.
func (d *synthetic) choose(w Want, vocab int) error {
	label := d.fields[len(d.fields)-1]
	first := d.fields[0]
	classes := w.Classes
	if classes == 0 {
		classes = 10
	}
	isClass := label.DType == tensor.Int64
	switch glyphs, drawn := newGlyphs(first, label, classes); {
	case first.DType.IsInt() && isClass:
		d.task = newTokens(w, d.fields, classes, vocab)
	case first.DType == tensor.Bool:
		return fmt.Errorf("no synthetic data for the bool input %q; give --data", first.Name)
	case isClass && drawn && len(w.Inputs) == 1:
		d.task = glyphs
	case isClass && len(label.Shape) == 0:
		d.task = clusters{classes}
	case label.DType.IsFloat():
		d.task = newRegression(w, d.fields, vocab)
	default:
		return fmt.Errorf("no synthetic data for a model that maps %v to %v labels; give --data", first, label)
	}
	return nil
}

func (d *synthetic) Len() int        { return d.n }
func (d *synthetic) Fields() []Field { return append([]Field(nil), d.fields...) }
func (d *synthetic) Close() error    { return nil }

func (d *synthetic) Read(i int, _ *Rand, dst []*tensor.Tensor) error {
	r := randAt(d.seed, d.split, uint64(i))
	d.task.write(&r, dst)
	return nil
}
