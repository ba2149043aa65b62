package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	register(op.Def{
		Type: "Einsum",
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 1, -1); err != nil {
				return err
			}
			all := make([]int, len(n.In))
			for i := range all {
				all[i] = i
			}
			if err := inputs(n, len(n.In), -1); err != nil {
				return err
			}
			if err := sameType(n, numeric, all...); err != nil {
				return err
			}
			e, err := EinsumOf(n)
			if err != nil {
				return err
			}
			return set(n, 0, typeOf(n, 0), e.Size[:e.Outs])
		},
		Grad: gradEinsum,
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			e, err := EinsumOf(n)
			if err != nil {
				return err
			}
			if in[0].DType.IsInt() {
				out[0].SetInt64s(einsum(&e, (*tensor.Tensor).Int64s, in))
			} else {
				out[0].SetFloat64s(einsum(&e, (*tensor.Tensor).Float64s, in))
			}
			return nil
		},
		Samples: einsumSamples,
	}, 12, 28)
}

// Strides are the steps that operand i takes along each label: those of all axes that bear it, 0 where the operand has
// none or repeats its only element.
func (e *Einsum) Strides(i int, shape tensor.Shape) []int {
	strides := make([]int, len(e.Size))
	for axis, step := range shape.Strides() {
		if shape[axis] != 1 {
			strides[e.In[i][axis]] += step
		}
	}
	return strides
}

// einsum sums the products of all operands over all values of all labels.
func einsum[T int64 | float64](e *Einsum, elements func(*tensor.Tensor) []T, in []*tensor.Tensor) []T {
	out := tensor.Shape(e.Size[:e.Outs])
	y := make([]T, out.Elems())
	strides := [][]int{append(out.Strides(), make([]int, len(e.Size)-e.Outs)...)}
	var operands [][]T
	for i, t := range in {
		strides = append(strides, e.Strides(i, t.Shape))
		operands = append(operands, elements(t))
	}
	walk(e.Size, func(_ int, at []int) {
		product := T(1)
		for i, x := range operands {
			product *= x[at[1+i]]
		}
		y[at[0]] += product
	}, strides...)
	return y
}

func einsumSamples() []op.Sample {
	of := func(equation string, shapes ...tensor.Shape) op.Sample {
		s := op.Sample{Name: equation, Attrs: graph.MakeAttrs("equation", equation)}
		for i, shape := range shapes {
			s.In = append(s.In, op.Normalish(uint64(i+1), shape...))
		}
		return s
	}
	values := func(equation string, want *tensor.Tensor, in ...*tensor.Tensor) op.Sample {
		return op.Sample{Name: fmt.Sprintf("values of %s", equation), Attrs: graph.MakeAttrs("equation", equation), In: in, Want: one(want)}
	}
	s := func(dims ...int) tensor.Shape { return dims }
	return []op.Sample{
		values("ij,jk", floats32([]int{2, 2}, 10, 13, 28, 40), count(2, 3), count(3, 2)),
		values("ba", floats32([]int{3, 2}, 0, 3, 1, 4, 2, 5), count(2, 3)),
		values("ii->i", floats32([]int{3}, 0, 4, 8), count(3, 3)),
		values("ij->", floats32(nil, 15), count(2, 3)),
		values("i,j->ij", tensor.Of([]int{2, 2}, int64(3), 4, 6, 8), tensor.Vector[int64](1, 2), tensor.Vector[int64](3, 4)),
		of("ij,jk->ik", s(2, 3), s(3, 4)), of("ij,kj->ik", s(2, 3), s(4, 3)), of("bij, bjk -> bik", s(2, 2, 3), s(2, 3, 4)),
		of("bhid,bhjd->bhij", s(2, 2, 3, 4), s(2, 2, 5, 4)), of("bthd,bshd->bhts", s(2, 3, 2, 4), s(2, 5, 2, 4)),
		of("bhts,bshd->bthd", s(2, 2, 3, 5), s(2, 5, 2, 4)), of("blq,hqk->blhk", s(2, 3, 4), s(2, 4, 5)),
		of("...ij,...jk->...ik", s(2, 2, 3), s(3, 4)), of("...ij,...jk", s(2, 1, 2, 3), s(3, 3, 4)), of("i...,i...->...", s(2, 3, 4), s(2, 4)),
		of("...i->...", s(2, 3, 4)), of("b...->b", s(2, 3, 4)), of("iij,jk->ik", s(3, 3, 2), s(2, 4)), of("bii->b", s(2, 3, 3)),
		of("i,i", s(4), s(4)), of("i,j->ij", s(3), s(4)), of("ij,k->k", s(2, 3), s(4)), of("a,ab,abc->c", s(2), s(2, 3), s(2, 3, 4)),
		of("Ab,bA->bA", s(2, 3), s(3, 2)), of(",i->i", s(), s(3)), of("ij->ji", s(2, 3)), of("ij,ij->i", s(1, 3), s(2, 3)),
	}
}
