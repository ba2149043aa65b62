package pass

import (
	"bytes"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// broadcasting are the operators whose operands are aligned at their last dimensions.
var broadcasting = []string{"Add", "And", "Div", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "MatMul", "Max",
	"Mean", "Min", "Mod", "Mul", "Or", "PRelu", "Pow", "Sub", "Sum", "Where", "Xor"}

// elementwise are operators of one operand whose slices are equal where the operand's are.
var elementwise = []string{"Cast", "Expand", "Identity", "Neg", "Relu", "Sqrt", "Tanh"}

// alignExpand scales the batch in the shape that an Expand gives a value with the batch, and repeats a value without it to
// a shape that follows the batch by itself.
func (r *rebatch) alignExpand(i int, n *graph.Node) error {
	x, target := n.In[0], n.ConstInput(1)
	if target == nil || target.DType != tensor.Int64 {
		return nil
	}
	now, was := ints(target), r.shapes[n.In[1].ID]
	if a := r.axis(x); a >= 0 && now.Equal(was) {
		shape := r.file[n.Out[0].ID].Shape.Clone()
		shape[a+len(shape)-len(x.Type.Shape)] = x.Type.Shape[a]
		r.changes[i] = append(r.changes[i], batchChange{input: 1, shape: shape})
		n.In[1] = wide(r.try, shape...)
		return nil
	}
	for k := range now {
		at := k - len(now) + len(x.Type.Shape)
		if k < len(was) && now[k] != was[k] && at >= 0 && x.Type.Shape[at] == was[k] && was[k] != 1 {
			return r.repeat(i, n, 0, at, now[k])
		}
	}
	return nil
}

// alignOperands repeats operands that do not depend on the data, such as the initial state of an LSTM or a class token, to
// the batch of the operands that do.
func (r *rebatch) alignOperands(i int, n *graph.Node) error {
	switch n.Op.Type {
	case "LSTM", "GRU", "RNN":
		batch := 1 // its axis
		if n.Attrs.Bool("layout", false) {
			batch = 0
		}
		if r.axis(n.In[0]) != batch {
			return nil
		}
		size := n.In[0].Type.Shape[batch]
		for k, axis := range []int{4: 0, 5: batch, 6: batch} {
			if k < 4 {
				continue
			}
			if err := r.repeat(i, n, k, axis, size); err != nil {
				return err
			}
		}
		return nil
	case "Concat":
		return r.alignBatch(i, n, true)
	}
	if slices.Contains(broadcasting, n.Op.Type) {
		return r.alignBatch(i, n, false)
	}
	return nil
}

// alignBatch repeats the operands without the batch of a node of which another operand has it. Concat needs them all of
// one size, the others broadcast dimensions of 1.
func (r *rebatch) alignBatch(i int, n *graph.Node, concat bool) error {
	for _, with := range n.In {
		a := r.axis(with)
		if a < 0 {
			continue
		}
		rank := len(with.Type.Shape)
		if axis := n.Attrs.Int("axis", 0); concat && (axis == a || axis+rank == a) {
			return nil
		}
		for k, v := range n.In {
			if v == nil || r.axis(v) >= 0 {
				continue
			}
			axis := a - rank + len(v.Type.Shape)
			if axis < 0 || !concat && v.Type.Shape[axis] == 1 || n.Op.Type == "MatMul" && a >= rank-2 {
				continue
			}
			if err := r.repeat(i, n, k, axis, with.Type.Shape[a]); err != nil {
				return err
			}
		}
		return nil
	}
	return nil
}

// repeat makes input k of a node, where it is there and has another size, size long along an axis.
func (r *rebatch) repeat(i int, n *graph.Node, k, axis, size int) error {
	v := n.Input(k)
	if v == nil || axis >= len(v.Type.Shape) || v.Type.Shape[axis] == size {
		return nil
	}
	if !alike(v, axis) {
		return graph.Errorf(n, "input %d, %q, is %v: it holds the batch in dimension %d, and not the same for each example", k, v.Name,
			v.Type, axis)
	}
	shape := v.Type.Shape.Clone()
	shape[axis] = size
	out := r.try.NewValue("", graph.Computed, graph.Type{DType: v.Type.DType, Shape: shape})
	r.changes[i] = append(r.changes[i], batchChange{input: k, shape: shape, source: v, axis: axis})
	n.In[k] = out
	return nil
}

// alike reports whether the slices of v along an axis are equal: there is one, or they are repeated, or computed from
// equal ones position by position.
func alike(v *graph.Value, axis int) bool {
	n := v.Producer
	rank := len(v.Type.Shape)
	switch {
	case v.Type.Shape[axis] == 1:
		return true
	case v.Kind == graph.Const:
		return equalSlices(v.Init, axis)
	case n == nil || n.Op.Domain != "":
		return false
	case n.Op.Type == "Tile":
		x := n.In[0].Type.Shape
		return x[axis] == 1
	case n.Op.Type == "Gather":
		// The indices' dimensions take the place of the one that is gathered from.
		index, at := n.In[1], n.Attrs.Int("axis", 0)
		if data := len(n.In[0].Type.Shape); at < 0 {
			at += data
		}
		return axis >= at && axis < at+len(index.Type.Shape) && alike(index, axis-at)
	case !slices.Contains(broadcasting, n.Op.Type) && !slices.Contains(elementwise, n.Op.Type):
		return false
	case n.Op.Type == "MatMul" && axis >= rank-2:
		return false
	}
	for k, x := range n.In {
		if x == nil || n.Op.Type == "Expand" && k > 0 {
			continue
		}
		if at := axis - rank + len(x.Type.Shape); at >= 0 && !alike(x, at) {
			return false
		}
	}
	return true
}

// equalSlices reports whether the slices of a tensor along an axis are equal.
func equalSlices(t *tensor.Tensor, axis int) bool {
	inner := t.Shape[axis+1:].Elems() * t.DType.Size()
	whole := inner * t.Shape[axis]
	if whole == 0 {
		return false
	}
	for start := 0; start < len(t.Data); start += whole {
		for at := inner; at < whole; at += inner {
			if !bytes.Equal(t.Data[start:start+inner], t.Data[start+at:start+at+inner]) {
				return false
			}
		}
	}
	return true
}
