package op

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// EmitOpset is the ai.onnx version in which gradient rules and passes write the nodes they emit. It is fixed, so
// that registering newer operator versions does not change what existing rules mean.
const EmitOpset = 17

// Build appends a node to g, of the newest version of the operator that EmitOpset has, infers its types and returns
// its outputs. Inputs may be nil. origin, if not nil, is the forward node that messages name.
func Build(g *graph.Graph, origin *graph.Node, domain, typ string, attrs graph.Attrs, outs int, in ...*graph.Value) ([]*graph.Value, error) {
	def, err := Resolve(domain, typ, EmitOpset)
	if err != nil {
		return nil, graph.At(origin, err)
	}
	n := &graph.Node{Op: def.ID(), Attrs: attrs, In: in, Origin: origin}
	n.Name = fmt.Sprintf("%s_%d", typ, len(g.Nodes))
	if origin != nil {
		n.Name = fmt.Sprintf("%s_Grad/%s", origin.Name, n.Name)
	}
	for range outs {
		n.Out = append(n.Out, g.NewValue("", graph.Computed, graph.Type{}))
	}
	g.AddNode(n)
	return n.Out, graph.At(n, def.Infer(n))
}

// Backward is the turn of one node in reverse-mode differentiation: a gradient rule reads it and emits nodes. The
// first error sticks, and later calls do nothing.
type Backward struct {
	Graph *graph.Graph
	Node  *graph.Node
	// OutGrads are the gradients that arrive at the outputs, of their type; nil where none does, never all nil.
	OutGrads []*graph.Value
	// Wants says which inputs lead to something that is differentiated.
	Wants []bool
	// InGrads are the results, set through Set.
	InGrads []*graph.Value
	Err     error
}

// In is input i of the node, nil when absent.
func (b *Backward) In(i int) *graph.Value { return b.Node.Input(i) }

// Out is output i of the node, nil when absent.
func (b *Backward) Out(i int) *graph.Value { return b.Node.Output(i) }

// Grad is the gradient that arrives at output i, nil when none does.
func (b *Backward) Grad(i int) *graph.Value {
	if i < len(b.OutGrads) {
		return b.OutGrads[i]
	}
	return nil
}

// Want reports whether the gradient of input i is wanted.
func (b *Backward) Want(i int) bool { return i < len(b.Wants) && b.Wants[i] }

// Set makes v the gradient of input i. A gradient of the shape that the input was broadcast to is summed down to the
// input's shape first.
func (b *Backward) Set(i int, v *graph.Value) {
	if b.Err != nil || v == nil {
		return
	}
	b.InGrads[i] = b.SumTo(v, b.In(i).Type.Shape)
}

// Op emits an ai.onnx node of one output without attributes.
func (b *Backward) Op(typ string, in ...*graph.Value) *graph.Value {
	return b.Emit("", typ, nil, 1, in...)[0]
}

// OpAttrs emits an ai.onnx node of one output; see graph.MakeAttrs for the attributes.
func (b *Backward) OpAttrs(typ string, attrs graph.Attrs, in ...*graph.Value) *graph.Value {
	return b.Emit("", typ, attrs, 1, in...)[0]
}

// Internal emits a node of the internal domain with one output.
func (b *Backward) Internal(typ string, attrs graph.Attrs, in ...*graph.Value) *graph.Value {
	return b.Emit(Internal, typ, attrs, 1, in...)[0]
}

// Emit appends a node that belongs to this gradient; see Build. It returns outs values in every case.
func (b *Backward) Emit(domain, typ string, attrs graph.Attrs, outs int, in ...*graph.Value) []*graph.Value {
	if b.Err != nil {
		return make([]*graph.Value, outs)
	}
	out, err := Build(b.Graph, b.Node, domain, typ, attrs, outs, in...)
	if err != nil {
		b.Err = err
		return make([]*graph.Value, outs)
	}
	return out
}

// Const adds a constant.
func (b *Backward) Const(t *tensor.Tensor) *graph.Value { return b.Graph.NewConst("", t) }

// Ints adds a constant int64 vector, as shapes and axes are given.
func (b *Backward) Ints(v ...int) *graph.Value {
	wide := make([]int64, len(v))
	for i, x := range v {
		wide[i] = int64(x)
	}
	return b.Const(tensor.Vector(wide...))
}

// Scalar adds a constant of rank 0 with the type of like.
func (b *Backward) Scalar(like *graph.Value, x float64) *graph.Value {
	t := tensor.New(like.Type.DType)
	t.SetFloat64s([]float64{x})
	return b.Const(t)
}

// SumTo sums v over the axes that broadcasting from shape repeated, and gives it that shape.
func (b *Backward) SumTo(v *graph.Value, shape tensor.Shape) *graph.Value {
	if b.Err != nil || v.Type.Shape.Equal(shape) {
		return v
	}
	return b.Internal("SumTo", graph.MakeAttrs("shape", []int(shape)), v)
}

// Reshape views v under another shape.
func (b *Backward) Reshape(v *graph.Value, shape tensor.Shape) *graph.Value {
	if b.Err != nil || v.Type.Shape.Equal(shape) {
		return v
	}
	// Reshape reads a 0 as "keep the dimension", so an empty tensor's shape must be said literally.
	return b.OpAttrs("Reshape", graph.MakeAttrs("allowzero", 1), v, b.Ints(shape...))
}
