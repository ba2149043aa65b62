package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	Register(Kernel{
		Name: "scatter_add_rows", Op: graph.OpID{Domain: op.Internal, Type: "ScatterAddRows"},
		When: func(n *graph.Node) bool {
			return isIndex(n.In[0].Type.DType) && n.In[1].Type.DType == tensor.Float32
		},
		Bind: bindScatterAddRows,
	})
}

// bindScatterAddRows cuts rows into strips of columns and lets each chunk go through all indices in order, so that
// rows that meet are added in one order whatever the number of threads.
func bindScatterAddRows(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
	shape := out[0].Shape
	axis, err := shape.Axis(n.Attrs.Int("axis", 0))
	if err != nil {
		return nil, err
	}
	index := newIndices(in[0], shape[axis])
	dy, y := in[1].F32(), out[0].F32()
	row, count := shape[axis+1:].Elems(), index.len()
	const strip = 64
	strips := ceilDiv(row, strip)
	body := func(_, lo, hi int) {
		for i := lo; i < hi; i++ {
			o, from := i/strips, i%strips*strip
			to := min(from+strip, row)
			for k := range index.dim {
				clear(y[(o*index.dim+k)*row:][from:to])
			}
			for k := range count {
				dst := y[(o*index.dim+index.at(k))*row:][from:to]
				addVV(dst, dst, dy[(o*count+k)*row:][from:to])
			}
		}
	}
	return func() error {
		if err := index.check(); err != nil {
			return err
		}
		s.Pool.For(shape[:axis].Elems()*strips, 1, body)
		return nil
	}, nil
}
