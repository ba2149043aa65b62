package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/onnxtrain/onnxtrain/backend"
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/graph/pass"
	"github.com/onnxtrain/onnxtrain/internal/memory"
	"github.com/onnxtrain/onnxtrain/onnxload"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// output is what a model gave; random: it depends on a random operator.
type output struct {
	*tensor.Tensor
	random bool
}

// infer runs the model. Inputs that shapes depend on must be known when the graph is built: when it does not build
// with all inputs open, integer inputs are bound to their values, and then all.
func infer(ctx context.Context, m *onnxload.Model, in []*tensor.Tensor) ([]output, error) {
	var first error
	for _, fix := range []func(*tensor.Tensor) bool{
		func(*tensor.Tensor) bool { return false },
		func(t *tensor.Tensor) bool { return !t.DType.IsFloat() },
		func(*tensor.Tensor) bool { return true },
	} {
		out, err := run(ctx, m, in, fix)
		if err == nil || !errors.As(err, new(refusal)) {
			return out, err
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

func run(ctx context.Context, m *onnxload.Model, in []*tensor.Tensor, fix func(*tensor.Tensor) bool) ([]output, error) {
	g, err := m.NewGraph()
	if err != nil {
		return nil, refusal{err}
	}
	inputs := slices.Clone(g.Inputs)
	if len(in) > len(inputs) {
		return nil, fmt.Errorf("%d inputs are recorded, the model has %d", len(in), len(inputs))
	}
	o := pass.Options{Loss: pass.Loss{Kind: "none"}, Literal: true, Shapes: map[string]tensor.Shape{}, Fixed: map[string]*tensor.Tensor{}}
	for i, t := range in {
		if v := inputs[i]; v.Type.DType != t.DType {
			return nil, fmt.Errorf("input %q is recorded as %v", v.Name, t)
		}
		o.Shapes[inputs[i].Name] = t.Shape
		if fix(t) {
			o.Fixed[inputs[i].Name] = t
		}
	}
	if _, err := pass.Build(g, o); err != nil {
		return nil, refusal{err}
	}
	b, err := backend.Lookup("cpu")
	if err != nil {
		return nil, err
	}
	p, err := b.Compile(g, backend.Options{MaxBytes: memory.Limit()})
	if err != nil {
		return nil, refusal{err}
	}
	defer p.Close()
	for i, t := range in {
		if dst := p.Tensor(inputs[i]); dst != nil && !fix(t) {
			copy(dst.Data, t.Data)
		}
	}
	if err := p.Run(ctx); err != nil {
		return nil, err
	}
	random, err := randomValues(g)
	if err != nil {
		return nil, err
	}
	var out []output
	for _, v := range g.Outputs {
		out = append(out, output{p.Tensor(v).Clone(), random[v.ID]})
	}
	return out, nil
}

// randomValues marks, by ID, the values that depend on a random operator.
func randomValues(g *graph.Graph) ([]bool, error) {
	random := make([]bool, len(g.Values))
	for _, n := range g.Nodes {
		def, err := op.Of(n)
		if err != nil {
			return nil, err
		}
		drawn := def.Random && draws(n) || slices.ContainsFunc(n.In, func(v *graph.Value) bool { return v != nil && random[v.ID] })
		for _, v := range n.Out {
			if v != nil && drawn {
				random[v.ID] = true
			}
		}
	}
	return random, nil
}

// draws reports whether a node of a random operator draws numbers: a Dropout may keep everything, and internal operators do
// what they do without numbers when they have none.
func draws(n *graph.Node) bool {
	switch {
	case n.Op.Domain == op.Internal:
		return slices.ContainsFunc(n.In, func(v *graph.Value) bool { return v != nil && v.Name == pass.RNGInput })
	case n.Op.Type != "Dropout":
		return true
	}
	ratio, training, constant := n.ConstInput(1), n.Input(2), n.ConstInput(2)
	switch {
	case training == nil, ratio != nil && ratio.Float64s()[0] == 0:
		return false
	default:
		return constant == nil || constant.Int64s()[0] != 0
	}
}
