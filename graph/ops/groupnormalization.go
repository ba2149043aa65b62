package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Version 18 has a scale and bias for each group, version 21 for each channel.
func init() {
	for _, since := range []int{18, 21} {
		op.Register(op.Def{
			Type: "GroupNormalization", Since: since,
			Infer: inferGroupNorm,
			Grad:  func(b *op.Backward) { groupsOf(b.Node).backward(b) },
			Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
				groupsOf(n).eval(in, out)
				return nil
			},
			Samples: func() []op.Sample { return groupNormSamples(since) },
		})
	}
}

func groupsOf(n *graph.Node) groupNorm {
	return groupNorm{shapeOf(n, 0), n.Attrs.Int("num_groups", 0), n.Attrs.Float("epsilon", 1e-5)}
}

func inferGroupNorm(n *graph.Node) error {
	if err := inputs(n, 3, 3); err != nil {
		return err
	}
	if err := rank(n, 0, 2, -1); err != nil {
		return err
	}
	g := groupsOf(n)
	if g.groups < 1 || g.x[1]%g.groups != 0 {
		return fmt.Errorf("attribute num_groups is %d, which does not divide the %d channels", g.groups, g.x[1])
	}
	want := tensor.Shape{g.groups}
	if n.Op.Since >= 21 {
		want = g.x[1:2]
	}
	for i := 1; i < 3; i++ {
		if v := n.In[i]; !v.Type.Shape.Equal(want) {
			return fmt.Errorf("input %d, %q, has shape %v, want %v", i, v.Name, v.Type.Shape, want)
		}
	}
	return g.infer(n)
}

func groupNormSamples(since int) []op.Sample {
	of := func(name string, groups int, shape ...int) op.Sample {
		k := groups
		if since >= 21 {
			k = shape[1]
		}
		return op.Sample{Name: name, Attrs: graph.MakeAttrs("epsilon", 1e-2, "num_groups", groups),
			In: []*tensor.Tensor{op.Normalish(1, shape...), op.Uniform(2, 0.5, 1.5, k), op.Normalish(3, k)}}
	}
	known := of("by hand", 1, 1, 2, 1)
	known.Attrs = known.Attrs.With("epsilon", 3.0)
	known.In = []*tensor.Tensor{floats32([]int{1, 2, 1}, 1, 3), floats32([]int{1}, 4), floats32([]int{1}, 1)}
	known.Want = one(floats32([]int{1, 2, 1}, -1, 3))
	if since >= 21 {
		known.In[1], known.In[2] = floats32([]int{2}, 4, 2), floats32([]int{2}, 1, -1)
		known.Want = one(floats32([]int{1, 2, 1}, -1, 0))
	}
	return []op.Sample{
		known,
		of("images", 2, 2, 4, 2, 2),
		of("one group", 1, 2, 3, 2),
		of("a group a channel", 3, 2, 3, 4),
		of("rows", 2, 3, 6),
	}
}
