package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// factors are the operands of a matrix product as matrices under batch axes, by numpy's rules.
type factors struct {
	a, b           tensor.Shape // of rank 2 and more: a vector becomes a row as a, and a column as b
	transA, transB bool
	m, n, k        int
	batch          tensor.Shape
}

func factorsOf(a, b tensor.Shape, transA, transB bool) (factors, error) {
	f := factors{a: a, b: b, transA: transA, transB: transB}
	if len(a) == 0 || len(b) == 0 {
		return f, fmt.Errorf("shapes %v and %v: a scalar is no matrix", a, b)
	}
	if len(a) == 1 {
		f.a = tensor.Shape{1, a[0]}
	}
	if len(b) == 1 {
		f.b = tensor.Shape{b[0], 1}
	}
	ra, rb := len(f.a)-2, len(f.b)-2
	f.m, f.k = f.a[ra], f.a[ra+1]
	if transA {
		f.m, f.k = f.k, f.m
	}
	k, n := f.b[rb], f.b[rb+1]
	if transB {
		k, n = n, k
	}
	f.n = n
	if f.k != k {
		return f, fmt.Errorf("shapes %v and %v do not multiply: %d columns meet %d rows", a, b, f.k, k)
	}
	var err error
	f.batch, err = tensor.Broadcast(f.a[:ra], f.b[:rb])
	return f, err
}

// shape is that of the product of operands that are matrices.
func (f *factors) shape() tensor.Shape { return append(f.batch.Clone(), f.m, f.n) }

// multiply sums a @ b into c for every index of the batch axes.
func multiply[T int64 | float64](f *factors, c, a, b []T) {
	ar, ac := f.a[len(f.a)-1], 1
	if f.transA {
		ar, ac = ac, ar
	}
	br, bc := f.b[len(f.b)-1], 1
	if f.transB {
		br, bc = bc, br
	}
	walk(f.batch, func(i int, at []int) {
		multiplyOne(c[i*f.m*f.n:], a[at[0]*f.m*f.k:], b[at[1]*f.k*f.n:], f, ar, ac, br, bc)
	}, f.a[:len(f.a)-2].BroadcastStrides(f.batch), f.b[:len(f.b)-2].BroadcastStrides(f.batch))
}

func multiplyOne[T int64 | float64](c, a, b []T, f *factors, ar, ac, br, bc int) {
	for i := range f.m {
		row := c[i*f.n:][:f.n]
		for p := range f.k {
			v, at := a[i*ar+p*ac], p*br
			for j := range row {
				row[j] += v * b[at]
				at += bc
			}
		}
	}
}

// gradient emits the gradients of alpha * op(a) @ op(b) with respect to operands of the shapes in f; nil where not
// wanted. Sums over batch axes that an operand does not have are left to Backward.Set, except where flattening the
// batch into the rows lets the product itself sum.
func (f *factors) gradient(bw *op.Backward, wantA, wantB bool, dy, a, b *graph.Value, alpha float64) (da, db *graph.Value) {
	fused := func(x, y *graph.Value, transX, transY bool) *graph.Value {
		return bw.Internal("FusedMatMul", fusedAttrs(transX, transY, alpha), x, y)
	}
	switch {
	case !wantA:
	case f.transA:
		da = fused(b, dy, f.transB, true)
	default:
		da = fused(dy, b, false, !f.transB)
	}
	if !wantB {
		return da, nil
	}
	if unbatched := f.b[:len(f.b)-2].Elems() == 1; unbatched && !f.transA && len(f.a) > 2 && f.a[:len(f.a)-2].Equal(f.batch) {
		rows := f.batch.Elems() * f.m
		a, dy = bw.Reshape(a, tensor.Shape{rows, f.k}), bw.Reshape(dy, tensor.Shape{rows, f.n})
	}
	if f.transB {
		return da, fused(dy, a, true, f.transA)
	}
	return da, fused(a, dy, !f.transA, false)
}

func fusedAttrs(transA, transB bool, alpha float64) graph.Attrs {
	return graph.MakeAttrs("alpha", alpha, "transA", bit(transA), "transB", bit(transB))
}

// bit is a flag as ONNX attributes have it.
func bit(flag bool) int {
	if flag {
		return 1
	}
	return 0
}
