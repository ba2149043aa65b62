package pass

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// bind gives every input the shape asked for.
func bind(b *Built, o *Options) error {
	b.Graph.Inputs = slices.DeleteFunc(b.Graph.Inputs, func(v *graph.Value) bool {
		t := o.Fixed[v.Name]
		if t != nil {
			v.Kind, v.Init, v.Type = graph.Const, t, graph.Type{DType: t.DType, Shape: t.Shape}
		}
		return t != nil
	})
	for _, v := range b.Graph.Inputs {
		shape, given := o.Shapes[v.Name]
		switch {
		case !given && v.Type.Static():
			continue
		case !given:
			return fmt.Errorf("input %q has open dimensions %s; give its shape", v.Name, Dims(v))
		}
		if err := b.fits(v, shape); err != nil {
			return err
		}
		v.Type.Shape = shape.Clone()
	}
	return nil
}

// fits checks that an input takes a shape. Another batch size than the file fixes is noted, for the pass that rewrites it.
func (b *Built) fits(v *graph.Value, shape tensor.Shape) error {
	fixed := v.Type.Shape
	if len(fixed) == 0 || len(shape) != len(fixed) || fixed[0] < 1 || shape[0] < 1 || fixed[0] == shape[0] {
		return fits(v, shape)
	}
	if b.FileBatch != 0 && (b.FileBatch != fixed[0] || b.batch != shape[0]) {
		return fmt.Errorf("input %q has shape %s, and another input a batch size of %d; export the model with a dynamic batch axis",
			v.Name, Dims(v), b.FileBatch)
	}
	b.FileBatch, b.batch = fixed[0], shape[0]
	loose := *v
	loose.Type.Shape = fixed.Clone()
	loose.Type.Shape[0] = -1
	return fits(&loose, shape)
}

func fits(v *graph.Value, shape tensor.Shape) error {
	ok := v.Type.Shape == nil || len(shape) == len(v.Type.Shape)
	for i, d := range v.Type.Shape {
		ok = ok && (d == -1 || d == shape[i])
	}
	if !ok || slices.Contains(shape, -1) {
		return fmt.Errorf("input %q has shape %s, which does not take %v", v.Name, Dims(v), shape)
	}
	return shape.Check(v.Type.DType)
}

// Dims prints a value's shape with its symbolic dimensions by name, such as [batch,3,32,32].
func Dims(v *graph.Value) string {
	if v.Type.Shape == nil {
		return "[?]"
	}
	parts := make([]string, len(v.Type.Shape))
	for i, d := range v.Type.Shape {
		parts[i] = fmt.Sprint(d)
		if d == -1 {
			parts[i] = "?"
			if i < len(v.Symbols) && v.Symbols[i] != "" {
				parts[i] = v.Symbols[i]
			}
		}
	}
	return "[" + strings.Join(parts, ",") + "]"
}

// resolve replaces the opset version in every node's Since by the operator's version. All operators that are not
// supported are reported at once.
func resolve(b *Built, _ *Options) error {
	var errs []error
	seen := map[string]int{}
	report := func(n *graph.Node, err error) {
		if seen[err.Error()]++; seen[err.Error()] == 1 {
			errs = append(errs, graph.At(n, err))
		}
	}
	for _, n := range b.Graph.Nodes {
		if Expands(n.Op) {
			resolvable(n, report)
			continue
		}
		def, err := op.Resolve(n.Op.Domain, n.Op.Type, n.Op.Since)
		if err != nil {
			report(n, err)
			continue
		}
		n.Op.Since = def.Since
		nameFirst(b.Graph, n)
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("the model uses operators that are not supported:\n%w", errors.Join(errs...))
}

// nameFirst gives a node whose first output is not asked for one that nobody reads, so that all have it. Recurrent layers, of
// which it is the largest, do without.
func nameFirst(g *graph.Graph, n *graph.Node) {
	if n.Out[0] == nil && !slices.Contains([]string{"GRU", "LSTM", "RNN"}, n.Op.Type) {
		n.Out[0] = g.NewValue("", graph.Computed, graph.Type{})
		n.Out[0].Producer = n
	}
}
