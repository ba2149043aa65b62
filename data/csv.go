package data

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"

	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	Register("csv", Format{
		Doc:     "numeric columns of a CSV file; one column, or several for a regression, is the label",
		Example: "csv:iris.csv?label=species&standardize=1",
		Options: []Option{
			{"label", "names, or numbers from 1, of the label columns, with commas between them (the last column)"},
			{"header", "auto, 1 or 0: whether the first line names the columns (auto: when it holds no number)"},
			{"sep", "separator: comma, semicolon, tab or space (comma)"},
			{"mean", "subtracted from the columns: one number, or one a column"},
			{"std", "columns are divided by it after the mean is subtracted"},
			{"standardize", "take mean and std from this file's columns (0)"},
			{"max", "bytes to load into memory at most (8589934592, or half of what there is)"},
		},
		Open: openCSV,
	})
}

// table is a data set of rows of numbers.
type table struct {
	rows    int
	inputs  []float32 // row after row
	width   int
	labels  []float64
	targets int // label columns
	classes []string
	fields  []Field
	mean    []float64
	std     []float64
}

func openCSV(q Request) (Dataset, error) {
	o := csvOptions{
		labels: q.Options.Strings("label"),
		header: q.Options.Choice("header", "auto", "auto", "1", "0"),
		sep:    map[string]rune{"comma": ',', "semicolon": ';', "tab": '\t', "space": ' '}[q.Options.Choice("sep", "comma", "comma", "semicolon", "tab", "space")],
		limit:  budgetOf(q.Options).limit,
		want:   q.Want,
	}
	standardise := q.Options.Bool("standardize", false)
	if err := q.Options.Err(); err != nil {
		return nil, err
	}
	input, err := q.Want.oneInput("csv")
	if err != nil {
		return nil, err
	}
	f, err := os.Open(q.Path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c, err := readCSV(f, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", q.Path, err)
	}
	d := &table{rows: c.rows, inputs: c.inputs, width: c.width}
	in, err := input.fit(tensor.Float32, tensor.Shape{c.width})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", q.Path, err)
	}
	label, err := d.label(c, q.Want)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", q.Path, err)
	}
	d.fields = []Field{in, label}
	if d.mean, d.std, err = normalisation(q, "columns", c.width); err != nil {
		return nil, err
	}
	if standardise && d.mean == nil {
		d.measure()
	}
	return d, nil
}

// label tells classes from targets: text and whole numbers are classes, unless the model's output wants real numbers.
func (d *table) label(c *csvColumns, w Want) (Field, error) {
	d.targets = len(c.labels)
	l := w.Label
	if l.Name == "" {
		l.Name = "label"
	}
	numbers, whole := c.numericLabels()
	if l.DType.IsFloat() || d.targets > 1 || numbers != nil && !whole {
		if numbers == nil {
			return l, errors.New("the label columns hold text, the model's output wants numbers")
		}
		if !l.DType.IsFloat() {
			l.DType, l.Shape = tensor.Float32, tensor.Shape{d.targets}
		}
		d.labels = numbers
		return l.fit(tensor.Float64, tensor.Shape{d.targets})
	}
	if numbers == nil {
		numbers, d.classes = c.namedLabels(w.ClassNames)
	}
	l, err := w.classLabel(len(d.classes))
	if err != nil {
		return l, err
	}
	d.labels = numbers
	for i, v := range numbers {
		if err := w.checkClasses([]int64{int64(v)}); err != nil {
			return l, fmt.Errorf("row %d: %w", i+1, err)
		}
	}
	return l, nil
}

// measure takes the columns' mean and standard deviation; a constant column keeps its scale.
func (d *table) measure() {
	d.mean, d.std = make([]float64, d.width), make([]float64, d.width)
	for c := range d.width {
		sum, square := 0.0, 0.0
		for r := range d.rows {
			sum += float64(d.inputs[r*d.width+c])
		}
		mean := sum / float64(d.rows)
		for r := range d.rows {
			x := float64(d.inputs[r*d.width+c]) - mean
			square += x * x
		}
		d.mean[c], d.std[c] = mean, 1
		if s := math.Sqrt(square / float64(d.rows)); s > 0 {
			d.std[c] = s
		}
	}
}

func (d *table) Len() int             { return d.rows }
func (d *table) Fields() []Field      { return slices.Clone(d.fields) }
func (d *table) ClassNames() []string { return slices.Clone(d.classes) }
func (d *table) Close() error         { return nil }

func (d *table) Transform() string {
	if d.mean == nil {
		return ""
	}
	return Transform{Kind: "columns", Scale: 1, Mean: d.mean, Std: d.std}.String()
}

func (d *table) Read(i int, _ *Rand, dst []*tensor.Tensor) error {
	v := make([]float64, d.width)
	for c := range v {
		if v[c] = float64(d.inputs[i*d.width+c]); d.mean != nil {
			v[c] = (v[c] - d.mean[c]) / d.std[c]
		}
	}
	dst[0].SetFloat64s(v)
	dst[1].SetFloat64s(d.labels[i*d.targets : (i+1)*d.targets])
	return nil
}
