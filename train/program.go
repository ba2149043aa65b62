package train

import (
	"context"
	"slices"

	"github.com/onnxtrain/onnxtrain/backend"
	"github.com/onnxtrain/onnxtrain/data"
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/pass"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Program is a compiled form of the model for batches of one size and shape.
type Program struct {
	Built *pass.Built
	backend.Program
	Fields []*tensor.Tensor // memory of the data's arrays, nil where the graph does not read one
	Grads  []*tensor.Tensor // of Engine.Params
	label  int              // the field that accuracy is counted on, -1 without one
	loss   *tensor.Tensor
	output *tensor.Tensor
	rng    *tensor.Tensor
}

// wire finds the memory of the data's arrays. feeds are the inputs of the model that they feed; the others are the labels.
func (p *Program) wire(feeds []*graph.Value) {
	built := p.Built
	live := map[*graph.Value]bool{}
	for _, v := range built.Graph.Inputs {
		live[v] = true
	}
	labels := slices.DeleteFunc(slices.Clone(built.Labels), func(v *graph.Value) bool { return v == nil || slices.Contains(feeds, v) })
	p.Fields, p.label = make([]*tensor.Tensor, len(feeds)), -1
	for i, v := range feeds {
		if v == nil && len(labels) > 0 {
			v, labels = labels[0], labels[1:]
		}
		if v == nil {
			continue
		}
		if v == built.Label {
			p.label = i
		}
		if live[v] {
			p.Fields[i] = p.Tensor(v)
		}
	}
	if built.Loss != nil {
		p.loss = p.Tensor(built.Loss)
	}
}

// score counts right answers of the last run, which was on batch.
func (p *Program) score(batch *data.Batch) Score {
	if p.label < 0 {
		return Score{}
	}
	return score(p.output, batch.Tensors[p.label])
}

// Run feeds a batch and runs the program. seed and step key the random operators. The error is a Failure.
func (p *Program) Run(ctx context.Context, batch []*tensor.Tensor, seed uint64, step int) error {
	for i, t := range p.Fields {
		if t != nil {
			copy(t.Data, batch[i].Data)
		}
	}
	if p.rng != nil {
		copy(p.rng.I64(), []int64{int64(seed), int64(step)})
	}
	return p.fault(p.Program.Run(ctx))
}

// Loss is the loss of the last run.
func (p *Program) Loss() float64 { return p.loss.Float64s()[0] }

// Output is what the loss looked at in the last run, such as logits.
func (p *Program) Output() *tensor.Tensor { return p.output }
