// Package data reads data sets as a stream of batches whose order and augmentation are functions of seed, epoch and
// index alone.
package data

import "github.com/onnxtrain/onnxtrain/tensor"

// Field is one array of an example, without the batch axis.
type Field struct {
	Name  string
	DType tensor.DType
	Shape tensor.Shape
}

// Want is what a model asks of a data set.
type Want struct {
	Inputs []Field // the model's inputs; a dimension of -1 is free
	// Label is what the loss compares with: int64 class indices (rank 0 for one class an example, rank 1 for one
	// a token), or float32 targets of the output's shape. DType Invalid leaves it to the data set.
	Label   Field
	Classes int // size of the output's class axis; 0 when unknown
	// More are the labels of further losses, after Label.
	More []Label
	// Unlabelled says that no label is read: a data set without one will do.
	Unlabelled bool
	Vocab      int // rows of the table that integer inputs index; 0 when unknown
	// Transform and ClassNames are what the model file carries from an earlier training, "" and nil for nothing. A
	// format takes them where its SPEC does not say otherwise.
	Transform  string
	ClassNames []string
}

// Label is a label and the number of classes that its indices count, 0 when unknown.
type Label struct {
	Field
	Classes int
}

// AddLabel adds what a loss compares with.
func (w *Want) AddLabel(l Label) {
	if w.Label.Name == "" {
		w.Label, w.Classes = l.Field, l.Classes
	} else {
		w.More = append(w.More, l)
	}
}

// labels lists all labels.
func (w Want) labels() []Label { return append([]Label{{w.Label, w.Classes}}, w.More...) }

// Dataset is a finite list of examples. Read must be safe for concurrent use.
type Dataset interface {
	Len() int
	// Fields lists the arrays of an example: the inputs in the model's order, then the labels.
	Fields() []Field
	// Read writes example i into dst, a tensor of exactly the field's type and shape for each field. Augmentation
	// draws from r, which depends on seed, epoch and i alone.
	Read(i int, r *Rand, dst []*tensor.Tensor) error
	Close() error
}

// Described is a data set that knows what an exported model should carry along.
type Described interface {
	// Transform is the deterministic input transform (resize, scale, normalise) as JSON, "" for none.
	Transform() string
	// ClassNames are the labels' names by index, nil when unknown.
	ClassNames() []string
}

// Request is a parsed SPEC, "scheme:path?key=value&…", with what the model wants. A format takes the options it knows
// out with its Options methods; Open reports those that the format does not list or did not take.
type Request struct {
	Scheme, Path string
	Options      *Options
	Want         Want
	Train        bool // augment when the options ask for it
	Seed         uint64
}

// Format is a kind of data set, registered under its scheme.
type Format struct {
	Doc      string // one line for help
	Example  string // a SPEC to copy
	Options  []Option
	Pathless bool // the path may be empty
	// ManyLabels says that the format has a label for each of several losses, and does without any where none is read.
	ManyLabels bool
	// Open checks the data against Want and returns errors that name the file and the item.
	Open func(Request) (Dataset, error)
}

// Option documents one option of a format.
type Option struct {
	Name string `json:"name"`
	Doc  string `json:"doc"`
}
