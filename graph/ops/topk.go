package ops

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	for _, since := range []int{1, 10, 11} {
		op.Register(op.Def{
			Type: "TopK", Since: since,
			Infer:   inferTopK,
			NoGrad:  []int{1},
			Grad:    gradTopK,
			Eval:    evalTopK,
			Samples: func() []op.Sample { return topKSamples(since) },
		})
	}
}

func inferTopK(n *graph.Node) error {
	if err := inputs(n, 1, 2); err != nil {
		return err
	}
	if err := allow(n, 0, numeric); err != nil {
		return err
	}
	axis, err := axisOf(n, -1)
	if err != nil {
		return err
	}
	k, err := topKCount(n)
	if err != nil {
		return err
	}
	shape := shapeOf(n, 0).Clone()
	if k < 0 || k > shape[axis] {
		return fmt.Errorf("k is %d for axis %d of shape %v", k, axis, shape)
	}
	shape[axis] = k
	if err := set(n, 0, typeOf(n, 0), shape); err != nil {
		return err
	}
	return set(n, 1, tensor.Int64, shape)
}

// topKCount is the k of a TopK: an attribute before opset 10, then an input.
func topKCount(n *graph.Node) (int, error) {
	if n.Op.Since < 10 {
		return n.Attrs.Int("k", -1), nil
	}
	k, err := constant(n, 1, "k")
	if err == nil && len(k) != 1 {
		err = fmt.Errorf("input 1, the k, has %d elements, want one", len(k))
	}
	if err != nil {
		return 0, err
	}
	return k[0], nil
}

func gradTopK(b *op.Backward) {
	at, dy := b.Out(1), b.Grad(0)
	if dy == nil {
		return
	}
	if at == nil {
		k, err := topKCount(b.Node)
		if fails(b, err) {
			return
		}
		at = b.Emit("", "TopK", b.Node.Attrs.Without("k"), 2, b.In(0), b.Ints(k))[1]
	}
	attrs := graph.MakeAttrs("axis", b.Node.Attrs.Int("axis", -1))
	b.Set(0, b.OpAttrs("ScatterElements", attrs, zeros(b, b.In(0)), at, dy))
}

// evalTopK sorts whether asked to or not. Of equal elements the one of lower index comes first; NaN counts as larger
// than every number.
func evalTopK(n *graph.Node, in, out []*tensor.Tensor) error {
	axis, err := axisOf(n, -1)
	if err != nil {
		return err
	}
	less := orderOf(in[0])
	if n.Attrs.Bool("largest", true) {
		ascending := less
		less = func(a, b int) int { return ascending(b, a) }
	}
	outer, along, inner := around(in[0].Shape, axis)
	k := out[0].Shape[axis]
	line := make([]int, along)
	for o := range outer {
		for i := range inner {
			for a := range line {
				line[a] = (o*along+a)*inner + i
			}
			slices.SortStableFunc(line, less)
			for a, from := range line[:k] {
				to := (o*k+a)*inner + i
				copyElem(out[0], to, in[0], from)
				if len(out) > 1 && out[1] != nil {
					out[1].I64()[to] = int64(from / inner % along)
				}
			}
		}
	}
	return nil
}

// orderOf compares elements of t by index.
func orderOf(t *tensor.Tensor) func(a, b int) int {
	switch {
	case t.DType == tensor.Uint64:
		v := tensor.Slice[uint64](t)
		return func(a, b int) int { return cmp.Compare(v[a], v[b]) }
	case t.DType.IsInt():
		v := t.Int64s()
		return func(a, b int) int { return cmp.Compare(v[a], v[b]) }
	}
	v := t.Float64s()
	return func(a, b int) int {
		if x, y := v[a] != v[a], v[b] != v[b]; x != y {
			// cmp puts NaN first.
			return -cmp.Compare(v[a], v[b])
		}
		return cmp.Compare(v[a], v[b])
	}
}

func topKSamples(since int) []op.Sample {
	of := func(name string, k int, in *tensor.Tensor, outs int, attrs ...any) op.Sample {
		s := op.Sample{Name: name, Attrs: graph.MakeAttrs(attrs...), In: one(in), Outs: outs}
		if since < 10 {
			s.Attrs = s.Attrs.With("k", k)
			return s
		}
		return list(s, since, 0, "k", k)
	}
	twelve := count(3, 4)
	rows := of("rows", 3, twelve, 2, "axis", 1)
	rows.Want = []*tensor.Tensor{floats32([]int{3, 3}, 3, 2, 1, 7, 6, 5, 11, 10, 9),
		tensor.Of[int64](tensor.Shape{3, 3}, 3, 2, 1, 3, 2, 1, 3, 2, 1)}
	ties := of("ties", 2, floats32([]int{4}, 1, 3, 3, 3), 2)
	ties.Want, ties.NoGrad = []*tensor.Tensor{floats32([]int{2}, 3, 3), ints(1, 2)}, true
	all := []op.Sample{
		rows, ties,
		of("values only", 2, op.Normalish(1, 2, 5), 1),
		of("middle axis", 2, op.Normalish(2, 2, 4, 3), 2, "axis", 1),
	}
	if since >= 11 {
		smallest := of("smallest", 3, floats32([]int{3, 4}, 0, 1, 2, 3, 4, 5, 6, 7, 11, 10, 9, 8), 2, "largest", 0)
		smallest.Want = []*tensor.Tensor{floats32([]int{3, 3}, 0, 1, 2, 4, 5, 6, 8, 9, 10),
			tensor.Of[int64](tensor.Shape{3, 3}, 0, 1, 2, 0, 1, 2, 3, 2, 1)}
		integers := of("integers", 2, ints(1<<53, 1<<53+1, -1), 2)
		integers.Want = []*tensor.Tensor{ints(1<<53+1, 1<<53), ints(1, 0)}
		all = append(all, smallest, integers)
	}
	return all
}
