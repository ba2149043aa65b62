package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// ask is output i of the forward node. One that the model does not ask for, such as the mean of a LayerNormalization,
// is added to the node: computing it there costs less than computing it again for the gradient.
func ask(b *op.Backward, i int) *graph.Value {
	n := b.Node
	if v := n.Output(i); v != nil || b.Err != nil {
		return v
	}
	for len(n.Out) <= i {
		n.Out = append(n.Out, nil)
	}
	v := b.Graph.NewValue("", graph.Computed, graph.Type{})
	v.Producer = n
	n.Out[i] = v
	def, err := op.Of(n)
	if fails(b, err) || fails(b, def.Infer(n)) {
		return nil
	}
	return v
}

// as is v with the element type of like.
func as(b *op.Backward, v, like *graph.Value) *graph.Value {
	if b.Err != nil || v.Type.DType == like.Type.DType {
		return v
	}
	return b.OpAttrs("Cast", graph.MakeAttrs("to", onnxType(like.Type.DType)), v)
}

// expand repeats v to a shape.
func expand(b *op.Backward, v *graph.Value, shape []int) *graph.Value {
	if b.Err != nil || v.Type.Shape.Equal(shape) {
		return v
	}
	return b.Op("Expand", v, b.Ints(shape...))
}

// times is v*x.
func times(b *op.Backward, v *graph.Value, x float64) *graph.Value {
	if b.Err != nil {
		return v
	}
	return b.Op("Mul", v, b.Scalar(v, x))
}

// mostConst bounds the elements of constants that gradients make, whose sizes are those of values and not of the file.
const mostConst = 1 << 16

// filled is a value of equal elements: a constant, or when it is large one that a run computes, under its memory plan.
func filled(b *op.Backward, like *graph.Value, x float64, shape ...int) *graph.Value {
	if dt := like.Type.DType; tensor.Shape(shape).Elems() <= mostConst || dt == tensor.BFloat16Type {
		return b.Const(fill(dt, x, shape...))
	}
	return b.OpAttrs("ConstantOfShape", graph.MakeAttrs("value", fill(like.Type.DType, x, 1)), b.Ints(shape...))
}

// fill is a tensor of equal elements.
func fill(dt tensor.DType, x float64, shape ...int) *tensor.Tensor {
	t := tensor.New(dt, shape...)
	v := make([]float64, t.Elems())
	for i := range v {
		v[i] = x
	}
	t.SetFloat64s(v)
	return t
}
