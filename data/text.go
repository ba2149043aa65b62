package data

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	Register("text", Format{
		Doc:     "a text as characters or bytes, in blocks of the model's length, labelled with the next token",
		Example: "text:input.txt?split=train&val=0.1",
		Options: []Option{
			{"tokens", "chars or bytes (chars when the model has a class for each, else bytes)"},
			{"block", "tokens in an example, for models that leave it open (64)"},
			{"stride", "distance of the starts of two examples (block)"},
			{"jitter", "when training, move each start at random by less than stride (0)"},
			{"split", "train, val or all of the text; val is its end (all)"},
			{"val", "the part that split=val takes (0.1)"},
			{"max", "bytes to load into memory at most (8589934592, or half of what there is)"},
		},
		Open: openText,
	})
}

// text is a sequence of tokens; example i is the block that starts at i·stride.
type text struct {
	tokens  []int32
	classes []string
	inputs  []Field
	label   Field
	roles   []tokenRole
	block   int
	stride  int
	jitter  bool
}

func openText(q Request) (Dataset, error) {
	mode := q.Options.Choice("tokens", "", "chars", "bytes")
	split := q.Options.Choice("split", "all", "train", "val", "all")
	fraction := q.Options.Float("val", 0.1, 0, 1)
	limit := budgetOf(q.Options).limit
	block := q.Options.Int("block", 0, 1, 1<<24)
	stride := q.Options.Int("stride", 0, 1, 1<<24)
	jitter := q.Options.Bool("jitter", false)
	if err := q.Options.Err(); err != nil {
		return nil, err
	}
	d := &text{jitter: jitter && q.Train}
	if err := d.fitModel(q.Want, block); err != nil {
		return nil, err
	}
	raw, err := readWhole(q.Path, limit/4)
	if err != nil {
		return nil, err
	}
	if err := d.tokenise(raw, mode, q.Want); err != nil {
		return nil, fmt.Errorf("%s: %w", q.Path, err)
	}
	if d.stride = stride; stride == 0 {
		d.stride = d.block
	}
	at := len(d.tokens) - int(float64(len(d.tokens))*fraction)
	switch split {
	case "train":
		d.tokens = d.tokens[:at]
	case "val":
		d.tokens = d.tokens[at:]
	}
	if len(d.tokens) <= d.block {
		return nil, fmt.Errorf("%s: %d tokens are too few for a block of %d and its labels", q.Path, len(d.tokens), d.block)
	}
	return d, nil
}

func readWhole(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%s: larger than %d bytes; raise ?max=", path, limit)
	}
	return b, nil
}

// fitModel finds the block length in the model's token inputs.
func (d *text) fitModel(w Want, block int) error {
	if len(w.Inputs) == 0 {
		return errors.New("the model has no input")
	}
	length := -1
	for _, f := range w.Inputs {
		role := roleOf(f)
		if !f.DType.IsInt() && role != tokenMask || len(f.Shape) != 1 {
			return fmt.Errorf("text: gives token indices int64[length], the model wants %v for %q", f, f.Name)
		}
		if f.Shape[0] >= 0 {
			if length >= 0 && length != f.Shape[0] {
				return fmt.Errorf("the model's inputs have lengths %d and %d", length, f.Shape[0])
			}
			length = f.Shape[0]
		}
		d.roles = append(d.roles, role)
	}
	switch {
	case length >= 0 && block > 0 && block != length:
		return fmt.Errorf("option block=%d: the model takes %d tokens", block, length)
	case length >= 0:
		d.block = length
	case block > 0:
		d.block = block
	default:
		d.block = 64
	}
	if d.block == 0 {
		return errors.New("the model takes 0 tokens")
	}
	for _, f := range w.Inputs {
		d.inputs = append(d.inputs, Field{f.Name, f.DType, tensor.Shape{d.block}})
	}
	l := w.Label
	if l.DType != tensor.Invalid && (l.DType != tensor.Int64 || len(l.Shape) != 1 || l.Shape[0] >= 0 && l.Shape[0] != d.block) {
		return fmt.Errorf("text: labels each of %d positions with the next token, the model's output wants %v", d.block, l)
	}
	if d.label = (Field{l.Name, tensor.Int64, tensor.Shape{d.block}}); l.Name == "" {
		d.label.Name = "label"
	}
	return nil
}

func (d *text) Len() int             { return (len(d.tokens)-d.block-1)/d.stride + 1 }
func (d *text) Fields() []Field      { return append(slices.Clone(d.inputs), d.label) }
func (d *text) ClassNames() []string { return slices.Clone(d.classes) }
func (d *text) Transform() string    { return "" }
func (d *text) Close() error         { return nil }

func (d *text) Read(i int, r *Rand, dst []*tensor.Tensor) error {
	start := i * d.stride
	if d.jitter {
		start = min(start+r.Intn(d.stride), len(d.tokens)-d.block-1)
	}
	label := dst[len(dst)-1].I64()
	for k := range label {
		label[k] = int64(d.tokens[start+k+1])
	}
	row := make([]int64, d.block)
	for k, role := range d.roles {
		for j := range row {
			switch role {
			case tokenIDs:
				row[j] = int64(d.tokens[start+j])
			case tokenMask:
				row[j] = 1
			case tokenZeros:
				row[j] = 0
			case tokenPositions:
				row[j] = int64(j)
			}
		}
		dst[k].SetInt64s(row)
	}
	return nil
}
