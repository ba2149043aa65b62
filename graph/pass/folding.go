package pass

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// folding bounds what passes compute from constants: a small file can say large shapes and much work. What is left out is
// computed at every run, under the program's memory plan.
type folding struct {
	left int // bytes that constants which are read and written may still have
}

const (
	freeFold   = 64 << 10  // bytes of a node, as the plumbing of shapes has
	baseFold   = 256 << 20 // bytes, and foldFactor times the model's own tensors
	foldFactor = 4
	// heavyFold bounds the product of the elements that an operator reads and writes, which no operator's work is far
	// above, unless it is known to touch each element a few times.
	heavyFold = 1 << 28
)

// light are operators whose work is about their inputs' and outputs' size.
var light = map[string]bool{
	"Abs": true, "Add": true, "And": true, "Cast": true, "Ceil": true, "Clip": true, "Concat": true, "ConstantOfShape": true,
	"Cos": true, "DequantizeLinear": true, "Div": true, "Equal": true, "Exp": true, "Expand": true, "EyeLike": true, "Flatten": true,
	"Floor": true, "Gather": true, "Greater": true, "GreaterOrEqual": true, "Identity": true, "Less": true, "LessOrEqual": true,
	"Log": true, "Max": true, "Min": true, "Mul": true, "Neg": true, "Not": true, "Or": true, "Pad": true, "Pow": true,
	"QuantizeLinear": true, "Range": true, "Reciprocal": true, "ReduceMax": true, "ReduceMean": true, "ReduceMin": true,
	"ReduceProd": true, "ReduceSum": true, "Reshape": true, "ScatterElements": true, "ScatterND": true, "Sign": true, "Sin": true,
	"Slice": true, "Split": true, "Sqrt": true, "Squeeze": true, "Sub": true, "Tile": true, "Transpose": true, "Trilu": true,
	"Unsqueeze": true, "Where": true, "Xor": true,
}

// folding is the budget that the passes of a build share.
func (b *Built) folding() *folding {
	if b.folds == nil {
		b.folds = newFolding(b.Graph)
	}
	return b.folds
}

func newFolding(g *graph.Graph) *folding {
	f := &folding{baseFold}
	for _, v := range g.Values {
		if v.Init != nil {
			f.left += foldFactor * len(v.Init.Data)
		}
	}
	return f
}

// allows takes what computing a node's outputs costs from the budget, if that is enough.
func (f *folding) allows(n *graph.Node) bool {
	var bytes, read, written int
	for _, v := range n.In {
		if v != nil && v.Init != nil {
			bytes += len(v.Init.Data)
			read += v.Init.Elems()
		}
	}
	for _, v := range n.Out {
		if v == nil {
			continue
		}
		elems := v.Type.Shape.Elems()
		if elems > baseFold && elems > f.left {
			return false
		}
		bytes += elems * v.Type.DType.Size()
		written += elems
	}
	if read > 0 && written > heavyFold/read && !(n.Op.Domain == "" && light[n.Op.Type]) {
		return false
	}
	if bytes <= freeFold {
		return true
	}
	if bytes > f.left {
		return false
	}
	f.left -= bytes
	return true
}

// graph infers every node and replaces those with constant inputs by what they compute.
func (f *folding) graph(g *graph.Graph) error {
	var failed error
	g.RemoveNodes(func(n *graph.Node) bool {
		if failed != nil {
			return false
		}
		var folded bool
		folded, failed = f.node(n)
		return folded
	})
	return failed
}

// node infers a node, and folds it when its inputs are constants and the budget allows it.
func (f *folding) node(n *graph.Node) (folded bool, err error) {
	def, err := op.Of(n)
	if err != nil {
		return false, err
	}
	if err := inputsKnown(n); err != nil {
		return false, err
	}
	if err := def.Infer(n); err != nil {
		return false, graph.At(n, fmt.Errorf("%w (inputs %s)", err, inputTypes(n)))
	}
	for i, v := range n.Out {
		if v != nil && !v.Type.Static() {
			return false, graph.Errorf(n, "the operator has no output %d, which is named %q", i, v.Name)
		}
	}
	in, constant := constants(n)
	if def.Random || !constant {
		return false, nil
	}
	if t := sameElements(n, def, in); t != nil {
		becomes(n.Out[0], t)
		return true, nil
	}
	if !f.allows(n) {
		return false, nil
	}
	out, err := op.EvalNode(n, in)
	if err != nil {
		return false, err
	}
	for i, v := range n.Out {
		becomes(v, out[i])
	}
	return true, nil
}

// sameElements is the output of a node that only hands elements on, over the same memory; nil for others.
func sameElements(n *graph.Node, def op.Def, in []*tensor.Tensor) *tensor.Tensor {
	t := n.Attrs.Tensor("value")
	if t == nil || n.Op.Domain != "" || n.Op.Type != "Constant" || len(n.Attrs) > 1 {
		if !def.View {
			return nil
		}
		t = in[0]
	}
	v := n.Out[0]
	if len(n.Out) > 1 || v == nil || t.DType != v.Type.DType || t.Elems() != v.Type.Shape.Elems() {
		return nil
	}
	return t.Reshape(v.Type.Shape...)
}

// becomes makes a constant of a value, which may be absent.
func becomes(v *graph.Value, t *tensor.Tensor) {
	if v != nil {
		v.Kind, v.Producer, v.Init = graph.Const, nil, t
	}
}

// constants are the tensors of a node's inputs, if all are known.
func constants(n *graph.Node) (in []*tensor.Tensor, all bool) {
	in = make([]*tensor.Tensor, len(n.In))
	for i, v := range n.In {
		switch {
		case v == nil:
		case v.Kind == graph.Const:
			in[i] = v.Init
		case readsTypeOnly(n):
			in[i] = &tensor.Tensor{DType: v.Type.DType, Shape: v.Type.Shape}
		default:
			return nil, false
		}
	}
	return in, true
}

// readsTypeOnly reports operators whose result does not depend on their input's elements.
func readsTypeOnly(n *graph.Node) bool {
	return n.Op.Domain == "" && (n.Op.Type == "Shape" || n.Op.Type == "Size")
}
