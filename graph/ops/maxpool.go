package ops

import (
	"fmt"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	for _, since := range []int{1, 8, 10, 11, 12, 22} {
		op.Register(op.Def{
			Type: "MaxPool", Since: since,
			Infer: inferMaxPool,
			Grad: func(b *op.Backward) {
				g, err := PoolGeometry(b.Node)
				if fails(b, err) {
					return
				}
				b.Set(0, b.Internal("MaxPoolGrad", g.attrs(), b.Grad(0), b.In(0)))
			},
			Eval:    evalMaxPool,
			Samples: func() []op.Sample { return maxPoolSamples(since) },
		})
	}
}

func inferMaxPool(n *graph.Node) error {
	s, outs := floats, 2
	if n.Op.Since >= 12 {
		s |= setOf(tensor.Int8, tensor.Uint8)
	}
	if n.Op.Since < 8 {
		outs = 1
	}
	if len(n.Out) > outs {
		return fmt.Errorf("%d outputs, at most %d are there", len(n.Out), outs)
	}
	if order := n.Attrs.Int("storage_order", 0); order != 0 && order != 1 {
		return fmt.Errorf("attribute storage_order is %d; 0, row-major, and 1, column-major, are known", order)
	}
	if err := inferPool(n, s); err != nil {
		return err
	}
	g, err := PoolGeometry(n)
	if err != nil {
		return err
	}
	return set(n, 1, tensor.Int64, g.outShape())
}

// argmax is the offset of the first maximum of the window, -1 when it lies on padding alone. NaN is the largest number.
func (w *poolWindow) argmax(x []float64) int {
	best := -1
	for _, i := range w.inside {
		if best < 0 || x[i] > x[best] || x[i] != x[i] && x[best] == x[best] {
			best = i
		}
	}
	return best
}

func evalMaxPool(n *graph.Node, in, out []*tensor.Tensor) error {
	g, err := PoolGeometry(n)
	if err != nil {
		return err
	}
	x, y := in[0].Float64s(), make([]float64, tensor.Shape(g.outShape()).Elems())
	index := make([]int64, len(y))
	g.pooled(func(o, plane int, w *poolWindow) {
		if at := w.argmax(x[plane:]); at >= 0 {
			y[o], index[o] = x[plane+at], int64(plane+at)
		}
	})
	if out[0] != nil {
		out[0].SetFloat64s(y)
	}
	if len(out) > 1 && out[1] != nil {
		if n.Attrs.Int("storage_order", 0) == 1 {
			columnMajor(index, g.In)
		}
		out[1].SetInt64s(index)
	}
	return nil
}

// columnMajor changes offsets in row-major planes of a shape to those in column-major ones.
func columnMajor(index []int64, shape tensor.Shape) {
	size := int64(shape.Elems())
	for i, v := range index {
		at := unflatten(shape, int(v%size))
		slices.Reverse(at)
		column := int64(0)
		for d, a := range at {
			column = column*int64(shape[len(shape)-1-d]) + int64(a)
		}
		index[i] = v/size*size + column
	}
}

func maxPoolSamples(since int) []op.Sample {
	var more []poolCase
	if since >= 10 {
		more = []poolCase{wide, holed}
	}
	all := poolSamples(more...)
	if since < 8 {
		return all
	}
	x := floats32([]int{1, 1, 3, 4}, 5, 1, 2, 3, 4, 9, 7, 0, 6, 8, -1, -2)
	y := floats32([]int{1, 1, 2, 3}, 9, 9, 7, 9, 9, 7)
	indexed := func(name string, order int, index ...int64) op.Sample {
		return op.Sample{Name: name, Attrs: graph.MakeAttrs("kernel_shape", []int{2, 2}, "storage_order", order), In: one(x), Outs: 2,
			Want: []*tensor.Tensor{y, tensor.Of([]int{1, 1, 2, 3}, index...)}}
	}
	return append(all, indexed("indices", 0, 5, 5, 6, 5, 5, 6), indexed("column-major indices", 1, 4, 4, 7, 4, 4, 7))
}
