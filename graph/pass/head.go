package pass

import (
	"fmt"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
)

// Head is a last layer before an output: one number, such as the score of a class, for each row of its weight.
type Head struct {
	Node    *graph.Node
	Weight  *graph.Value
	Axis    int          // of the weight that counts the outputs
	Bias    *graph.Value // of rank 1, nil without one
	Classes int
	FanIn   int // inputs of each output
}

// passThrough are operators behind which the outputs of a head are still one number each.
var passThrough = []string{"AveragePool", "Cast", "Clip", "Dropout", "Flatten", "GlobalAveragePool", "GlobalMaxPool",
	"HardSigmoid", "Identity", "LeakyRelu", "Log", "LogSoftmax", "ReduceMean", "Relu", "Reshape", "Resize", "Sigmoid", "Softmax", "Squeeze", "Tanh", "Transpose"}

// FindHeads finds the head of an output in an inferred graph, or the several that are added to be it, and the values that
// follow from them, down to the output. The error names the node that is in the way.
func FindHeads(g *graph.Graph, output *graph.Value) (heads []Head, after []*graph.Value, err error) {
	var find func(v *graph.Value, h Head) error
	find = func(v *graph.Value, h Head) error {
		after = append(after, v)
		n := v.Producer
		switch {
		case n == nil:
			return fmt.Errorf("output %q is not computed by a layer from %q on", output.Name, v.Name)
		case n.Op.Domain == "" && slices.Contains(passThrough, n.Op.Type):
			return find(n.In[0], h)
		case n.Op.Domain == "" && n.Op.Type == "Add" && h.Bias == nil:
			sum, bias := n.In[0], n.In[1]
			if sum.Init != nil {
				sum, bias = bias, sum
			}
			if sum.Producer != nil && sum.Producer.Op.Type == "MatMul" && bias.Init != nil && len(bias.Type.Shape) == 1 {
				h.Bias = bias
				return find(sum, h)
			}
			if sum.Producer != nil && bias.Producer != nil {
				if err := find(sum, Head{}); err != nil {
					return err
				}
				return find(bias, Head{})
			}
		}
		h.Node = n
		if err := h.read(g); err != nil {
			return graph.At(n, err)
		}
		heads = append(heads, h)
		return nil
	}
	err = find(output, Head{})
	return heads, after, err
}

// read takes the layer's weights from its node.
func (h *Head) read(g *graph.Graph) error {
	n := h.Node
	var transposed bool
	if n.Op.Domain == "" && (n.Op.Type == "Gemm" || n.Op.Type == "MatMul" || n.Op.Type == "Conv") {
		h.Weight, transposed = storedWeight(n.In[1])
	}
	if h.Weight == nil {
		return fmt.Errorf("the head to replace must be a Gemm, MatMul or Conv with a stored weight")
	}
	shape := h.Weight.Type.Shape
	h.Axis = len(shape) - 1
	switch {
	case n.Op.Type == "Conv":
		if n.Attrs.Int("group", 1) != 1 {
			return fmt.Errorf("a convolution of %d groups is no head that can be replaced", n.Attrs.Int("group", 1))
		}
		h.Axis = 0
	case len(shape) != 2:
		return fmt.Errorf("weight %q is %v; that of a head that can be replaced is a matrix", h.Weight.Name, h.Weight.Type)
	case n.Attrs.Bool("transB", false) != transposed:
		h.Axis = 0
	}
	if n.Op.Type != "MatMul" && n.Input(2) != nil {
		if h.Bias, _ = storedWeight(n.In[2]); h.Bias == nil {
			return fmt.Errorf("its bias %q is not stored", n.In[2].Name)
		}
	}
	h.Classes = shape[h.Axis]
	h.FanIn = shape.Elems() / max(h.Classes, 1)
	if h.Bias != nil && !h.Bias.Type.Shape.Equal([]int{h.Classes}) {
		return fmt.Errorf("its bias %q is %v, not one number for each of %d outputs", h.Bias.Name, h.Bias.Type, h.Classes)
	}
	uses := g.Uses()
	for _, w := range []*graph.Value{h.Weight, h.Bias} {
		if w != nil && len(uses[w.ID]) > 1 {
			return fmt.Errorf("%q is read by other nodes too, such as %q; a tied head cannot be replaced", w.Name, uses[w.ID][0].Name)
		}
	}
	return nil
}

// storedWeight is the initializer that v is or transposes.
func storedWeight(v *graph.Value) (w *graph.Value, transposed bool) {
	if n := by(v, "Transpose"); n != nil && len(n.In[0].Type.Shape) == 2 {
		perm := n.Attrs.Ints("perm")
		v, transposed = n.In[0], len(perm) == 0 || perm[0] == 1
	}
	if v.Init == nil || !isWeightLike(v) {
		return nil, false
	}
	return v, transposed
}
