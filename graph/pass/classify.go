package pass

import (
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// weights makes every weight a value of its own.
func weights(b *Built, o *Options) error {
	if !o.Tie {
		splitIdentities(b.Graph)
	}
	if !slices.ContainsFunc(b.Graph.OfKind(graph.Const), isWeightLike) {
		liftConstantNodes(b.Graph)
	}
	return nil
}

// classify tells parameters and state from constants among the initializers. A parameter is a floating-point
// initializer, not a scalar, that some node reads where it has a gradient; whether it reaches the loss is seen later,
// by reach. State is what BatchNormalization keeps.
func classify(b *Built, o *Options) error {
	g := b.Graph
	trained := o.trainable(g)
	for _, n := range g.Nodes {
		for i, v := range n.In {
			if v != nil && v.Kind == graph.Const && isWeightLike(v) && trained(n, i) {
				v.Kind = graph.Param
			}
		}
	}
	b.Weights = map[string]bool{}
	for _, v := range g.Params() {
		b.Weights[v.Name] = true
	}
	for _, n := range g.Nodes {
		if n.Op.Type != "BatchNormalization" || n.Op.Domain != "" {
			continue
		}
		for _, i := range []int{3, 4} {
			if v := n.Input(i); v != nil && v.Init != nil {
				v.Kind = graph.State
			}
		}
	}
	for _, v := range g.Params() {
		if !o.trains(v.Name) {
			v.Kind = graph.Const
		}
	}
	return nil
}

// trainable tells whether a node's input is one that is trained, from what the node does and from the elements.
func (o *Options) trainable(g *graph.Graph) func(n *graph.Node, i int) bool {
	if o.Weights != nil {
		return func(n *graph.Node, i int) bool { return o.Weights[n.In[i].Name] }
	}
	gradients, tables := newGradients(), newTables(g)
	return func(n *graph.Node, i int) bool {
		return gradients.input(n, i) && !zeroState(n, i) && !groupCore(n, i) && !tables.has(n.In[i])
	}
}

// zeroState reports an initial state of zeros of a recurrent layer, which frameworks take where none is given and do not
// train.
func zeroState(n *graph.Node, i int) bool {
	if i < 5 || i > 6 || n.Op.Domain != "" || !slices.Contains([]string{"GRU", "LSTM", "RNN"}, n.Op.Type) {
		return false
	}
	return !slices.ContainsFunc(n.In[i].Init.Float64s(), func(x float64) bool { return x != 0 })
}

// groupCore reports the ones and zeros that an InstanceNormalization of groups of channels takes: it is the core of a
// GroupNorm, whose scale and bias by channel follow.
func groupCore(n *graph.Node, i int) bool {
	if n.Op.Domain != "" || n.Op.Type != "InstanceNormalization" || i == 0 || by(n.In[0], "Reshape") == nil {
		return false
	}
	want := float64(2 - i) // a scale of ones, a bias of zeros
	return !slices.ContainsFunc(n.In[i].Init.Float64s(), func(x float64) bool { return x != want })
}

func isWeightLike(v *graph.Value) bool {
	return !v.Fixed && v.Type.DType.IsFloat() && len(v.Type.Shape) > 0 && v.Type.Shape.Elems() > 0
}

// splitIdentities gives every Identity of an initializer its own tensor under the Identity's output name. Inference
// exports merge equal initializers, such as all LayerNorm scales of a new model, and restore the names by Identity;
// taken literally that would tie them.
func splitIdentities(g *graph.Graph) {
	g.RemoveNodes(func(n *graph.Node) bool {
		if n.Op.Type != "Identity" || n.Op.Domain != "" {
			return false
		}
		from, to := n.Input(0), n.Out[0]
		if from == nil || to == nil || from.Kind != graph.Const || !isWeightLike(from) || slices.Contains(g.Outputs, to) {
			return false
		}
		to.Kind, to.Producer = graph.Const, nil
		to.Type, to.Init = from.Type, from.Init.Clone()
		return true
	})
}

// liftConstantNodes makes initializers of the Constant nodes that hold weights. Some exporters write all weights so;
// where there are real initializers, Constant nodes are constants.
func liftConstantNodes(g *graph.Graph) {
	g.RemoveNodes(func(n *graph.Node) bool {
		t := n.Attrs.Tensor("value")
		if n.Op.Type != "Constant" || n.Op.Domain != "" || t == nil || !t.DType.IsFloat() || t.Elems() < 2 || n.Out[0] == nil {
			return false
		}
		v := n.Out[0]
		v.Kind, v.Producer = graph.Const, nil
		v.Type, v.Init = graph.Type{DType: t.DType, Shape: t.Shape}, t
		return true
	})
}

// Role says what a parameter does in the graph: "weight", "bias", "norm" or "embedding".
func Role(g *graph.Graph, param *graph.Value) string {
	for _, n := range g.Nodes {
		if n.Origin != nil || !slices.Contains(n.In, param) {
			continue
		}
		switch n.Op.Type {
		case "BatchNormalization", "BatchNormTraining", "FusedBatchNorm", "LayerNormalization", "InstanceNormalization", "GroupNormalization", "RMSNormalization":
			return "norm"
		case "Gather":
			if n.In[0] == param && len(param.Type.Shape) == 2 {
				return "embedding"
			}
		}
	}
	if nonUnit(param.Type.Shape) >= 2 {
		return "weight"
	}
	return "bias"
}

func nonUnit(s tensor.Shape) int {
	n := 0
	for _, d := range s {
		if d != 1 {
			n++
		}
	}
	return n
}
