package data

import (
	"fmt"
	"slices"
	"sync"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// arrays is a data set of stored arrays, one a field.
type arrays struct {
	columns []*array
	fields  []Field
	want    Want
	labels  []Label
	scale   float64
	close   func() error
}

// newArrays fits columns, the inputs in the model's order and then the label, to what the model wants.
func newArrays(columns []*array, w Want, scale float64, closeFile func() error) (*arrays, error) {
	d := &arrays{columns: columns, want: w, labels: w.labels(), scale: scale, close: sync.OnceValue(closeFile)}
	for i, c := range columns {
		if len(c.shape) == 0 {
			return nil, fmt.Errorf("%s: a single number; the first axis must count the examples", c.name)
		}
		if c.shape.Elems() == 0 {
			return nil, fmt.Errorf("%s: shape %v has no elements", c.name, c.shape)
		}
		if c.rows() != columns[0].rows() {
			return nil, fmt.Errorf("%s has %d rows, %s has %d; they must be as many", c.name, c.rows(), columns[0].name, columns[0].rows())
		}
		f, err := d.field(i, c)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		d.fields = append(d.fields, f)
	}
	return d, nil
}

func (d *arrays) field(i int, c *array) (Field, error) {
	if i < len(d.want.Inputs) {
		return d.want.Inputs[i].fit(c.dt, c.shape[1:])
	}
	label := d.labels[i-len(d.want.Inputs)].Field
	if label.Name == "" {
		label.Name = "label"
	}
	// Floating-point labels under a model that could be a classifier make it a regression; the loss has the last word.
	if label.DType == tensor.Int64 && c.dt.IsFloat() {
		label.DType = tensor.Invalid
	}
	if label.DType != tensor.Invalid {
		return label.fit(c.dt, c.shape[1:])
	}
	if label.DType = tensor.Int64; c.dt.IsFloat() {
		label.DType = tensor.Float32
	}
	if label.Shape = c.shape[1:].Clone(); len(label.Shape) == 1 && label.Shape[0] == 1 && label.DType == tensor.Int64 {
		label.Shape = tensor.Shape{}
	}
	return label, nil
}

func (d *arrays) Len() int        { return d.columns[0].rows() }
func (d *arrays) Fields() []Field { return slices.Clone(d.fields) }
func (d *arrays) Close() error    { return d.close() }

func (d *arrays) Read(i int, _ *Rand, dst []*tensor.Tensor) error {
	for k, c := range d.columns {
		scale := d.scale
		if k >= len(d.want.Inputs) {
			scale = 1
		}
		if err := c.read(i, dst[k], scale); err != nil {
			return err
		}
		if k >= len(d.want.Inputs) && dst[k].DType == tensor.Int64 {
			if err := checkClasses(dst[k].I64(), d.labels[k-len(d.want.Inputs)].Classes); err != nil {
				return fmt.Errorf("%s: row %d: %w", c.name, i, err)
			}
		}
	}
	return nil
}
