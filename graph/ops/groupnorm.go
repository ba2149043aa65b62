package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// groupNorm normalises the channels of each image of a tensor [N, C, …] in groups of neighbours, and then scales and
// shifts the tensor, seen as [N, K, …], by K numbers each.
type groupNorm struct {
	x      tensor.Shape
	groups int
	eps    float64
}

// rows is the shape with a row for each group.
func (g groupNorm) rows() tensor.Shape {
	rows := g.x[0] * g.groups
	return tensor.Shape{rows, g.x[1:].Elems() / g.groups}
}

// view is the shape that k scales apply to on axis 1.
func (g groupNorm) view(k int) tensor.Shape {
	return tensor.Shape{g.x[0], k, g.x[1:].Elems() / max(k, 1)}
}

func (g groupNorm) infer(n *graph.Node) error {
	if err := sameType(n, floats, 0, 1, 2); err != nil {
		return err
	}
	return set(n, 0, typeOf(n, 0), g.x)
}

func (g groupNorm) eval(in, out []*tensor.Tensor) {
	r := normaliseRows(in[0].Float64s(), g.rows(), 1, g.eps, false)
	k := in[1].Elems()
	r.scaleShift(g.view(k), in[1].Reshape(k, 1), in[2].Reshape(k, 1))
	out[0].SetFloat64s(r.y)
}

func (g groupNorm) backward(b *op.Backward) {
	if b.Err != nil {
		return
	}
	k := b.In(1).Type.Shape.Elems()
	view, per := g.view(k), tensor.Shape{k, 1}
	rows := b.Reshape(b.In(0), g.rows())
	ones := filled(b, rows, 1, g.rows()[1])
	norm := b.Emit("", "LayerNormalization", graph.MakeAttrs("axis", 1, "epsilon", g.eps), 3, rows, ones)
	dy := b.Reshape(b.Grad(0), view)
	if b.Want(0) {
		dxhat := b.Reshape(b.Op("Mul", dy, b.Reshape(b.In(1), per)), g.rows())
		d := b.Emit(op.Internal, "LayerNormGrad", graph.MakeAttrs("axis", 1), 1, dxhat, rows, ones, norm[1], norm[2])
		b.Set(0, b.Reshape(d[0], g.x))
	}
	if b.Want(1) {
		along := b.Op("Mul", dy, b.Reshape(norm[0], view))
		b.Set(1, b.Reshape(b.SumTo(along, per), tensor.Shape{k}))
	}
	if b.Want(2) {
		b.Set(2, b.Reshape(b.SumTo(dy, per), tensor.Shape{k}))
	}
}
