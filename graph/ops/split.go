package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	for _, since := range []int{2, 11, 13, 18} {
		op.Register(op.Def{
			Type: "Split", Since: since,
			Infer:   inferSplit,
			Grad:    gradSplit,
			NoGrad:  []int{1},
			Eval:    evalSplit,
			Samples: func() []op.Sample { return splitSamples(since) },
		})
	}
}

func inferSplit(n *graph.Node) error {
	if err := inputs(n, 1, 2); err != nil {
		return err
	}
	axis, err := axisOf(n, 0)
	if err != nil {
		return err
	}
	sizes, err := splitSizes(n, shapeOf(n, 0)[axis])
	if err != nil {
		return err
	}
	for i, size := range sizes {
		shape := shapeOf(n, 0).Clone()
		shape[axis] = size
		if err := set(n, i, typeOf(n, 0), shape); err != nil {
			return err
		}
	}
	return nil
}

// splitSizes are the sizes of the parts of a dimension: those given, or else equal ones, of which since opset 18 the
// last may be smaller.
func splitSizes(n *graph.Node, dim int) ([]int, error) {
	parts := len(n.Out)
	sizes, err := listed(n, 13, "split", 1)
	if err != nil {
		return nil, err
	}
	if given := n.Attrs.Int("num_outputs", parts); n.Op.Since >= 18 && given != parts {
		return nil, fmt.Errorf("num_outputs is %d for %d outputs", given, parts)
	}
	if sizes == nil {
		if dim%parts != 0 && (n.Op.Since < 18 || !n.Attrs.Has("num_outputs")) {
			return nil, fmt.Errorf("dimension %d does not divide into %d equal parts", dim, parts)
		}
		each := (dim + parts - 1) / parts
		for range parts - 1 {
			sizes = append(sizes, each)
		}
		sizes = append(sizes, dim-each*(parts-1))
	}
	sum := 0
	for _, size := range sizes {
		if size < 0 || size > dim {
			return nil, fmt.Errorf("sizes %v do not divide a dimension of %d", sizes, dim)
		}
		sum += size
	}
	if sum != dim || len(sizes) != parts {
		return nil, fmt.Errorf("sizes %v do not divide a dimension of %d into %d outputs", sizes, dim, parts)
	}
	return sizes, nil
}

// gradSplit joins the gradients of the parts, with zeros where a part has none.
func gradSplit(b *op.Backward) {
	axis, err := axisOf(b.Node, 0)
	if fails(b, err) {
		return
	}
	sizes, err := splitSizes(b.Node, shapeOf(b.Node, 0)[axis])
	if fails(b, err) {
		return
	}
	parts := make([]*graph.Value, len(sizes))
	for i, size := range sizes {
		parts[i] = b.Grad(i)
		if parts[i] == nil {
			shape := shapeOf(b.Node, 0).Clone()
			shape[axis] = size
			parts[i] = filled(b, b.In(0), 0, shape...)
		}
	}
	b.Set(0, b.OpAttrs("Concat", graph.MakeAttrs("axis", axis), parts...))
}

func evalSplit(n *graph.Node, in, out []*tensor.Tensor) error {
	axis, err := axisOf(n, 0)
	if err != nil {
		return err
	}
	sizes, err := splitSizes(n, in[0].Shape[axis])
	if err != nil {
		return err
	}
	first, strides := 0, in[0].Shape.Strides()
	for i, size := range sizes {
		if out[i] != nil {
			pick(out[i], in[0], first, strides)
		}
		first += size * strides[axis]
	}
	return nil
}

func splitSamples(since int) []op.Sample {
	equal := op.Sample{Name: "equal", In: one(count(4, 2)), Outs: 2, Want: []*tensor.Tensor{
		count(2, 2), floats32([]int{2, 2}, 4, 5, 6, 7)}}
	sized := op.Sample{Name: "sizes", Attrs: graph.MakeAttrs("axis", -1), In: one(count(2, 3)), Outs: 2, Want: []*tensor.Tensor{
		floats32([]int{2, 1}, 0, 3), floats32([]int{2, 2}, 1, 2, 4, 5)}}
	heads := op.Sample{Name: "query, key, value", Attrs: graph.MakeAttrs("axis", 2), In: one(op.Normalish(4, 2, 3, 6)), Outs: 3}
	empty := op.Sample{Name: "an empty part", In: one(op.Normalish(5, 3)), Outs: 2}
	rest := op.Sample{Name: "smaller last", Attrs: graph.MakeAttrs("num_outputs", 3), In: one(count(5)), Outs: 3, Want: []*tensor.Tensor{
		floats32([]int{2}, 0, 1), floats32([]int{2}, 2, 3), floats32([]int{1}, 4)}}
	all := []op.Sample{equal, list(sized, since, 13, "split", 1, 2), heads, list(empty, since, 13, "split", 3, 0)}
	if since >= 18 {
		all[0].Attrs = graph.MakeAttrs("num_outputs", 2)
		all[2].Attrs = all[2].Attrs.With("num_outputs", 3)
		all = append(all, rest)
	}
	return all
}
