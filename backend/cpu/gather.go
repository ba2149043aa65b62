package cpu

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	Register(Kernel{
		Name: "gather", Op: onnx("Gather"), Half: moves,
		When: func(n *graph.Node) bool {
			_, err := n.In[0].Type.Shape.Axis(n.Attrs.Int("axis", 0))
			return err == nil && isIndex(n.In[1].Type.DType)
		},
		Bind: bindGather,
	})
}

func isIndex(dt tensor.DType) bool { return dt == tensor.Int64 || dt == tensor.Int32 }

// indices reads index tensors of either width.
type indices struct {
	i64 []int64
	i32 []int32
	dim int // what they index; negative ones count from its end
}

func newIndices(t *tensor.Tensor, dim int) indices {
	if t.DType == tensor.Int64 {
		return indices{i64: t.I64(), dim: dim}
	}
	return indices{i32: tensor.Slice[int32](t), dim: dim}
}

func (x indices) len() int { return len(x.i64) + len(x.i32) }

func (x indices) at(i int) int {
	v := 0
	if x.i64 != nil {
		v = int(x.i64[i])
	} else {
		v = int(x.i32[i])
	}
	if v < 0 {
		v += x.dim
	}
	return v
}

// check reports the first index that is outside, before loops that cannot report it run.
func (x indices) check() error {
	for i := range x.len() {
		if v := x.at(i); v < 0 || v >= x.dim {
			return fmt.Errorf("index %d at position %d is outside of [0, %d)", v, i, x.dim)
		}
	}
	return nil
}

func bindGather(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
	axis, err := in[0].Shape.Axis(n.Attrs.Int("axis", 0))
	if err != nil {
		return nil, err
	}
	index := newIndices(in[1], in[0].Shape[axis])
	src, dst := in[0].Data, out[0].Data
	row := in[0].Shape[axis+1:].Elems() * in[0].DType.Size()
	count := index.len()
	body := func(_, lo, hi int) {
		for i := lo; i < hi; i++ {
			from := (i/count*index.dim + index.at(i%count)) * row
			copy(dst[i*row:i*row+row], src[from:])
		}
	}
	if in[0].DType != out[0].DType {
		x, y, elems := vectorOf(in[0]), vectorOf(out[0]), row/in[0].DType.Size()
		body = func(_, lo, hi int) {
			for i := lo; i < hi; i++ {
				y.convert(i*elems, &x, (i/count*index.dim+index.at(i%count))*elems, elems)
			}
		}
	}
	rows := in[0].Shape[:axis].Elems() * count
	return func() error {
		if err := index.check(); err != nil {
			return err
		}
		s.Pool.For(rows, max(1, 4*chunk/max(1, row)), body)
		return nil
	}, nil
}
