package pass

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

// reach makes a constant of every parameter without a differentiable path to the loss, such as an attention mask that
// is stored among the weights, and folds what then is constant. A layer's weight without such a path is an error in
// training, as something is not connected that should be, unless Options.AllowUnused.
func reach(b *Built, o *Options) error {
	g := b.Graph
	if b.Loss == nil {
		b.Params = g.Params()
		return nil
	}
	reaching := make([]bool, len(g.Values))
	reaching[b.Loss.ID] = true
	for i := len(g.Nodes) - 1; i >= 0; i-- {
		n := g.Nodes[i]
		def, err := op.Of(n)
		if err != nil {
			return err
		}
		arrives := false
		for _, v := range n.Out {
			arrives = arrives || v != nil && reaching[v.ID]
		}
		if !arrives || def.Grad == nil {
			continue
		}
		for k, v := range n.In {
			if v != nil && v.Type.DType.IsFloat() && !slices.Contains(def.NoGrad, k) {
				reaching[v.ID] = true
			}
		}
	}
	var unused []string
	layers := layerWeights(g)
	for _, v := range g.Params() {
		if reaching[v.ID] {
			continue
		}
		v.Kind = graph.Const
		if o.Training && !o.AllowUnused && layers[v.ID] {
			unused = append(unused, fmt.Sprintf("%q", v.Name))
			continue
		}
		g.Notice("%q %v does not reach the loss differentiably and stays as it is", v.Name, v.Type)
	}
	if unused != nil {
		return unusedWeights(unused)
	}
	if err := b.folding().graph(g); err != nil {
		return err
	}
	b.Params = g.Params()
	return nil
}

func unusedWeights(names []string) error {
	const shown = 5
	more := ""
	if n := len(names) - shown; n > 0 {
		names, more = names[:shown], fmt.Sprintf(" and %d others", n)
	}
	return fmt.Errorf("%s%s: no differentiable path leads from these weights to the loss, so they would not be trained; choose "+
		"another output, add a loss for each output, leave them out with --freeze, or accept it with --allow-unused",
		strings.Join(names, ", "), more)
}

// weightInputs are the inputs of layers that hold weights. What other operators read, such as the mask in an addition or
// a Where, may be any constant.
var weightInputs = map[string][]int{
	"BatchNormTraining": {1, 2}, "BatchNormalization": {1, 2}, "Conv": {1, 2}, "ConvTranspose": {1, 2}, "FusedMatMul": {1},
	"GRU": {1, 2, 3}, "Gemm": {1, 2}, "GroupNormalization": {1, 2}, "InstanceNormalization": {1, 2}, "LSTM": {1, 2, 3},
	"LayerNormalization": {1, 2}, "MatMul": {1}, "PRelu": {1}, "RMSNormalization": {1}, "RNN": {1, 2, 3},
}

// layerWeights marks, by Value.ID, the initializers that a layer reads as its weights, directly or rearranged.
func layerWeights(g *graph.Graph) []bool {
	weights := make([]bool, len(g.Values))
	for i := len(g.Nodes) - 1; i >= 0; i-- {
		n := g.Nodes[i]
		inputs := weightInputs[n.Op.Type]
		switch n.Op.Type {
		case "Gather":
			if len(n.In[0].Type.Shape) == 2 { // an embedding
				inputs = []int{0}
			}
		case "Identity", "Transpose", "Reshape", "Squeeze", "Unsqueeze", "Slice", "Cast":
			if n.Out[0] != nil && weights[n.Out[0].ID] {
				inputs = []int{0}
			}
		case "Concat":
			if weights[n.Out[0].ID] {
				for k := range n.In {
					inputs = append(inputs, k)
				}
			}
		}
		for _, k := range inputs {
			if v := n.Input(k); v != nil {
				weights[v.ID] = true
			}
		}
	}
	return weights
}
