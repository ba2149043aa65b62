package ops

import (
	"fmt"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	register(op.Def{
		Type: "Unique",
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 1, 1); err != nil {
				return err
			}
			if err := allow(n, 0, anyType); err != nil {
				return err
			}
			t := n.ConstInput(0)
			if t == nil {
				return fmt.Errorf("the shape of the result depends on the data of a batch through %q; only a value known before "+
					"the run is supported: find the values beforehand and make them a constant", n.In[0].Name)
			}
			u, err := uniqueOf(n, t)
			if err != nil {
				return err
			}
			if err := set(n, 0, t.DType, u.shape); err != nil {
				return err
			}
			for i, count := range []int{len(u.first), len(u.index), len(u.first)} {
				if err := set(n, i+1, tensor.Int64, tensor.Shape{count}); err != nil {
					return err
				}
			}
			return nil
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			u, err := uniqueOf(n, in[0])
			if err != nil {
				return err
			}
			outer, along, inner := around(u.from, u.axis)
			size := inner * in[0].DType.Size()
			for o := range outer {
				for k, i := range u.first {
					copy(out[0].Data[(o*len(u.first)+k)*size:][:size], in[0].Data[(o*along+i)*size:])
				}
			}
			counts := make([]int64, len(u.first))
			for _, k := range u.index {
				counts[k]++
			}
			for i, list := range [][]int64{widened(u.first), widened(u.index), counts} {
				if t := optional(out, i+1); t != nil {
					copy(t.I64(), list)
				}
			}
			return nil
		},
		Samples: uniqueSamples,
	}, 11, 28)
}

// unique lists the parts of a tensor along an axis that differ.
type unique struct {
	from, shape tensor.Shape // under which the input is seen, flat without an axis, and that of the result
	axis        int
	first       []int // where each comes first
	index       []int // which one each part is
}

func uniqueOf(n *graph.Node, t *tensor.Tensor) (*unique, error) {
	u := &unique{from: tensor.Shape{t.Elems()}}
	if n.Attrs.Has("axis") {
		var err error
		if u.axis, err = axisOf(n, 0); err != nil {
			return nil, err
		}
		u.from = t.Shape
	}
	order := u.compare(t)
	parts := make([]int, u.from[u.axis])
	for i := range parts {
		parts[i] = i
	}
	slices.SortStableFunc(parts, order)
	u.index = make([]int, len(parts))
	for k, i := range parts {
		if k == 0 || order(parts[k-1], i) != 0 {
			u.first = append(u.first, i)
		}
		u.index[i] = len(u.first) - 1
	}
	if !n.Attrs.Bool("sorted", true) {
		u.byPlace()
	}
	u.shape = u.from.Clone()
	u.shape[u.axis] = len(u.first)
	return u, nil
}

// byPlace orders by where each comes first instead of by size.
func (u *unique) byPlace() {
	place := make([]int, len(u.first))
	sorted := slices.Clone(u.first)
	slices.Sort(sorted)
	for k, i := range u.first {
		place[k], _ = slices.BinarySearch(sorted, i)
	}
	for i, k := range u.index {
		u.index[i] = place[k]
	}
	u.first = sorted
}

// compare orders parts by their elements, first to last.
func (u *unique) compare(t *tensor.Tensor) func(a, b int) int {
	outer, along, inner := around(u.from, u.axis)
	element := orderOf(t)
	return func(a, b int) int {
		for o := range outer {
			for i := range inner {
				if c := element((o*along+a)*inner+i, (o*along+b)*inner+i); c != 0 {
					return c
				}
			}
		}
		return 0
	}
}

func widened(list []int) []int64 {
	out := make([]int64, len(list))
	for i, v := range list {
		out[i] = int64(v)
	}
	return out
}

func uniqueSamples() []op.Sample {
	of := func(name string, x *tensor.Tensor, attrs graph.Attrs, want ...*tensor.Tensor) op.Sample {
		return op.Sample{Name: name, Attrs: attrs, In: one(x), Const: []int{0}, Outs: 4, Want: want}
	}
	six := floats32([]int{2, 3}, 2, 1, 1, 3, 4, 3)
	rows := tensor.Of[int64](tensor.Shape{3, 3}, 1, 0, 0, 1, 0, 0, 2, 3, 4)
	pairs := floats32([]int{2, 4, 2}, 1, 1, 0, 1, 2, 1, 0, 1, 1, 1, 0, 1, 2, 1, 0, 1)
	return []op.Sample{
		of("sorted", six, nil, floats32([]int{4}, 1, 2, 3, 4), ints(1, 0, 3, 4), ints(1, 0, 0, 2, 3, 2), ints(2, 1, 2, 1)),
		of("as they come", six, graph.MakeAttrs("sorted", 0), floats32([]int{4}, 2, 1, 3, 4),
			ints(0, 1, 3, 4), ints(0, 1, 1, 2, 3, 2), ints(1, 2, 2, 1)),
		of("rows", rows, graph.MakeAttrs("axis", 0), tensor.Of[int64](tensor.Shape{2, 3}, 1, 0, 0, 2, 3, 4),
			ints(0, 2), ints(0, 0, 1), ints(2, 1)),
		of("middle axis", pairs, graph.MakeAttrs("axis", -2), floats32([]int{2, 3, 2}, 0, 1, 1, 1, 2, 1, 0, 1, 1, 1, 2, 1),
			ints(1, 0, 2), ints(1, 0, 2, 0), ints(2, 1, 1)),
		of("nothing", ints(), nil, ints(), ints(), ints(), ints()),
	}
}
