package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// RotaryEmbedding of ONNX Runtime (com.microsoft) has other inputs: X, positions, one for each token or that of every
// sample's first, and the tables. Without the number of heads, the tables' width says it.
func init() {
	in := rotaryInputs{cos: 2, sin: 3, positions: 1}
	op.Register(op.Def{
		Domain: "com.microsoft", Type: "RotaryEmbedding", Since: 1,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 4, 4); err != nil {
				return err
			}
			if n.Attrs.Bool("is_packed_batching", false) || n.Attrs.Float("scale", 1) != 1 {
				return fmt.Errorf("packed batching and a scale are not supported")
			}
			if err := tableHeads(n, in); err != nil {
				return err
			}
			return inferRotary(n, in)
		},
		NoGrad: []int{1, 2, 3},
		Grad:   func(b *op.Backward) { gradRotary(b, in) },
		Eval: func(n *graph.Node, x, out []*tensor.Tensor) error {
			return evalRotary(n, x, out, in, 1)
		},
		Samples: func() []op.Sample {
			all := rotarySamples()[2:]
			for i := range all {
				x := all[i].In
				all[i].In = []*tensor.Tensor{x[0], x[3], x[1], x[2]}
				if x[3] == nil { // one position, and tables that are longer than the sequence
					all[i].In[1] = ints(1)
					rows := []int{x[1].Shape[0] * x[1].Shape[1], x[1].Shape[2]}
					all[i].In[2], all[i].In[3] = x[1].Reshape(rows...), x[2].Reshape(rows...)
				}
			}
			all[1].Attrs = nil // packed, with heads as wide as the tables say
			return all
		},
	})
}

// tableHeads sets the number of heads where the attribute leaves it out.
func tableHeads(n *graph.Node, in rotaryInputs) error {
	s, table := shapeOf(n, 0), shapeOf(n, in.cos)
	if len(s) != 3 || n.Attrs.Int("num_heads", 0) != 0 {
		return nil
	}
	if len(table) != 2 || table[1] == 0 || s[2]%(2*table[1]) != 0 {
		return fmt.Errorf("an input of shape %v and tables of shape %v do not tell the number of heads; set attribute num_heads", s, table)
	}
	n.Attrs = n.Attrs.With("num_heads", s[2]/(2*table[1]))
	return nil
}
