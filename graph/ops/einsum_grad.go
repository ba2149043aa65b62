package ops

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// einsumTerm is an operand of an equation that a gradient emits.
type einsumTerm struct {
	value  *graph.Value
	labels []int
}

// gradEinsum emits, for each operand, the equation of dy and all other operands whose result is labelled as the operand
// is. An axis that the operand repeats is summed over; one that nothing else has gets ones; one whose label the operand
// has twice is brought to the diagonal by an identity matrix.
func gradEinsum(b *op.Backward) {
	e, err := EinsumOf(b.Node)
	if fails(b, err) {
		return
	}
	for i, v := range b.Node.In {
		if b.Want(i) {
			b.Set(i, b.Reshape(e.gradient(b, i), v.Type.Shape))
		}
	}
}

func (e *Einsum) gradient(b *op.Backward, operand int) *graph.Value {
	out := make([]int, e.Outs)
	for i := range out {
		out[i] = i
	}
	terms := []einsumTerm{{b.Grad(0), out}}
	for i := range b.Node.In {
		if i != operand {
			terms = append(terms, e.term(b, i))
		}
	}
	size := slices.Clone(e.Size)
	like := b.In(operand)
	var result []int
	for axis, l := range e.In[operand] {
		if like.Type.Shape[axis] != e.Size[l] {
			continue
		}
		if slices.Contains(result, l) {
			fresh := len(size)
			size = append(size, e.Size[l])
			terms = append(terms, einsumTerm{unit(b, like, e.Size[l]), []int{l, fresh}})
			l = fresh
		} else if !slices.ContainsFunc(terms, func(t einsumTerm) bool { return slices.Contains(t.labels, l) }) {
			terms = append(terms, einsumTerm{ones(b, like, e.Size[l]), []int{l}})
		}
		result = append(result, l)
	}
	return emitEinsum(b, terms, result)
}

// term is operand i without the axes along which it repeats.
func (e *Einsum) term(b *op.Backward, i int) einsumTerm {
	t := einsumTerm{value: b.In(i)}
	var shape tensor.Shape
	for axis, size := range b.In(i).Type.Shape {
		if l := e.In[i][axis]; size == e.Size[l] {
			t.labels, shape = append(t.labels, l), append(shape, size)
		}
	}
	t.value = b.Reshape(t.value, shape)
	return t
}

func emitEinsum(b *op.Backward, terms []einsumTerm, result []int) *graph.Value {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	var left []string
	var in []*graph.Value
	spell := func(labels []int) string {
		var s strings.Builder
		for _, l := range labels {
			if l >= len(letters) {
				fails(b, fmt.Errorf("the gradient needs more than %d letters", len(letters)))
				return ""
			}
			s.WriteByte(letters[l])
		}
		return s.String()
	}
	for _, t := range terms {
		left, in = append(left, spell(t.labels)), append(in, t.value)
	}
	return b.OpAttrs("Einsum", graph.MakeAttrs("equation", strings.Join(left, ",")+"->"+spell(result)), in...)
}

// ones is a vector of the type of like.
func ones(b *op.Backward, like *graph.Value, n int) *graph.Value { return filled(b, like, 1, n) }

// unit is an identity matrix of the type of like.
func unit(b *op.Backward, like *graph.Value, n int) *graph.Value {
	if n > mostConst/max(n, 1) {
		return b.Op("EyeLike", filled(b, like, 0, n, n))
	}
	v := make([]float64, n*n)
	for i := range n {
		v[i*n+i] = 1
	}
	t := tensor.New(like.Type.DType, n, n)
	t.SetFloat64s(v)
	return b.Const(t)
}
