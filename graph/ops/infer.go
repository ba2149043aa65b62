package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// register adds the definition under every version listed, for versions that differ only in what they allow.
func register(d op.Def, since ...int) {
	for _, d.Since = range since {
		op.Register(d)
	}
}

// types is a set of element types.
type types uint32

func setOf(list ...tensor.DType) types {
	var s types
	for _, dt := range list {
		s |= 1 << dt
	}
	return s
}

func (s types) has(dt tensor.DType) bool { return s&(1<<dt) != 0 }

var (
	floats   = setOf(tensor.Float32, tensor.Float64, tensor.Float16, tensor.BFloat16Type)
	signed   = floats | setOf(tensor.Int8, tensor.Int16, tensor.Int32, tensor.Int64)
	integers = setOf(tensor.Int8, tensor.Int16, tensor.Int32, tensor.Int64, tensor.Uint8, tensor.Uint16, tensor.Uint32, tensor.Uint64)
	numeric  = floats | integers
	indices  = setOf(tensor.Int32, tensor.Int64)
	boolean  = setOf(tensor.Bool)
	anyType  = numeric | boolean
)

// inputs checks that a node has at least need inputs, all present, and at most most; most < 0 is no limit.
func inputs(n *graph.Node, need, most int) error {
	for i := range need {
		if n.Input(i) == nil {
			return fmt.Errorf("input %d is missing", i)
		}
	}
	if most >= 0 && len(n.In) > most {
		return fmt.Errorf("%d inputs, at most %d are allowed", len(n.In), most)
	}
	return nil
}

// allow checks the element type of input i, if present.
func allow(n *graph.Node, i int, s types) error {
	if v := n.Input(i); v != nil && !s.has(v.Type.DType) {
		return fmt.Errorf("input %d, %q, has element type %v, which the operator does not take", i, v.Name, v.Type.DType)
	}
	return nil
}

// sameType checks that the listed inputs that are present have one element type, and that s has it.
func sameType(n *graph.Node, s types, list ...int) error {
	first := -1
	for _, i := range list {
		v := n.Input(i)
		if v == nil {
			continue
		}
		if err := allow(n, i, s); err != nil {
			return err
		}
		if first < 0 {
			first = i
		}
		if f := n.In[first]; v.Type.DType != f.Type.DType {
			return fmt.Errorf("inputs %q and %q have different element types, %v and %v", f.Name, v.Name, f.Type.DType, v.Type.DType)
		}
	}
	return nil
}

// rank checks the rank of input i, if present.
func rank(n *graph.Node, i, least, most int) error {
	v := n.Input(i)
	if v == nil {
		return nil
	}
	if r := len(v.Type.Shape); r < least || most >= 0 && r > most {
		return fmt.Errorf("input %d, %q, has shape %v of rank %d, which the operator does not take", i, v.Name, v.Type.Shape, r)
	}
	return nil
}

// set makes the type of output i, if asked for. It reports shapes that no memory can hold.
func set(n *graph.Node, i int, dt tensor.DType, shape tensor.Shape) error {
	v := n.Output(i)
	if v == nil {
		return nil
	}
	if err := shape.Check(dt); err != nil {
		return fmt.Errorf("output %d: %w", i, err)
	}
	v.Type = graph.Type{DType: dt, Shape: shape.Clone()}
	return nil
}

// shapeOf is the shape of input i, which must be present.
func shapeOf(n *graph.Node, i int) tensor.Shape { return n.In[i].Type.Shape }

// typeOf is the element type of input i, which must be present.
func typeOf(n *graph.Node, i int) tensor.DType { return n.In[i].Type.DType }

// axisOf resolves the axis attribute against the shape of input 0.
func axisOf(n *graph.Node, absent int) (int, error) {
	return shapeOf(n, 0).Axis(n.Attrs.Int("axis", absent))
}

// constant returns input i as integers. The input must be a constant, which it is after folding unless the model
// computes it from data.
func constant(n *graph.Node, i int, what string) ([]int, error) {
	v := n.Input(i)
	if v == nil {
		return nil, fmt.Errorf("input %d, the %s, is missing", i, what)
	}
	t := n.ConstInput(i)
	if t == nil {
		return nil, fmt.Errorf("input %d, %q, gives the %s and depends on the data of a batch; only a value known before the run is supported", i, v.Name, what)
	}
	if !t.DType.IsInt() {
		return nil, fmt.Errorf("input %d, %q, gives the %s as %v instead of integers", i, v.Name, what, t.DType)
	}
	wide := t.Int64s()
	out := make([]int, len(wide))
	for k, x := range wide {
		out[k] = int(x)
	}
	return out, nil
}

// axes resolves a list of axes against a rank, in ascending order; duplicates are errors.
func axes(list []int, rank int) ([]int, error) {
	seen := make([]bool, rank)
	for _, a := range list {
		if a < -rank || a >= rank {
			return nil, fmt.Errorf("axis %d is outside of rank %d", a, rank)
		}
		if a < 0 {
			a += rank
		}
		if seen[a] {
			return nil, fmt.Errorf("axis %d is listed twice", a)
		}
		seen[a] = true
	}
	out := make([]int, 0, len(list))
	for a, s := range seen {
		if s {
			out = append(out, a)
		}
	}
	return out, nil
}
