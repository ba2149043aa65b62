package optimizers

import (
	"slices"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// shampooPlan cuts a parameter into blocks whose axes are at most max_dim long.
type shampooPlan struct {
	shape  tensor.Shape
	dims   []int // after merging
	blocks []shampooBlock
	size   int // entries of all factors
}

type shampooBlock struct {
	dims    []int
	lo      int // where the block begins in the parameter
	strides []int
	elems   int
	factors []int // where each axis's factor begins
}

func newShampooPlan(o *shampooConfig, shape tensor.Shape) *shampooPlan {
	p := &shampooPlan{shape: shape.Clone(), dims: shape.Clone()}
	if len(shape) == 0 {
		p.dims = []int{1}
	} else if o.MergeDims {
		p.dims = mergeDims(shape, o.MaxDim)
	}
	p.cut(tensor.Shape(p.dims).Strides(), o.MaxDim, nil, 0)
	return p
}

// mergeDims merges neighbouring axes from the left while their product is at most limit or one of them has size 1.
func mergeDims(shape []int, limit int) []int {
	out := []int{shape[0]}
	for _, d := range shape[1:] {
		last := &out[len(out)-1]
		if *last == 1 || d == 1 || *last*d <= limit {
			*last *= d
		} else {
			out = append(out, d)
		}
	}
	return out
}

// cut appends the blocks that have the given sizes along the first axes, in row-major order.
func (p *shampooPlan) cut(strides []int, limit int, sizes []int, lo int) {
	axis := len(sizes)
	if axis < len(p.dims) {
		for at := 0; at < p.dims[axis]; at += limit {
			p.cut(strides, limit, append(slices.Clone(sizes), min(limit, p.dims[axis]-at)), lo+at*strides[axis])
		}
		return
	}
	b := shampooBlock{dims: sizes, lo: lo, strides: strides, elems: tensor.Shape(sizes).Elems()}
	for _, d := range sizes {
		b.factors = append(b.factors, p.size)
		p.size += d * d
	}
	p.blocks = append(p.blocks, b)
}

// rows visits the block's rows along the last axis: where each begins in the parameter and in the block.
func (b *shampooBlock) rows(visit func(outer, inner, n int)) {
	last := len(b.dims) - 1
	n := b.dims[last]
	for inner := 0; inner < b.elems; inner += n {
		outer, rest := b.lo, inner/n
		for axis := last - 1; axis >= 0; axis-- {
			outer += rest % b.dims[axis] * b.strides[axis]
			rest /= b.dims[axis]
		}
		visit(outer, inner, n)
	}
}

// block is a block's elements of x: x itself when there is only one.
func (a *arena[T]) block(p *shampooPlan, b *shampooBlock, x []T) []T {
	if len(p.blocks) == 1 {
		return x
	}
	out := a.take(b.elems)
	b.rows(func(outer, inner, n int) { copy(out[inner:][:n], x[outer:]) })
	return out
}
