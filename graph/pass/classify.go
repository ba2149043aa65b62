package pass

import (
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// classify tells parameters and state from constants among the initializers. A parameter is a floating-point
// initializer, not a scalar, that some node reads where it has a gradient; whether it reaches the loss is seen later,
// by reach. State is what BatchNormalization keeps.
func classify(b *Built, o *Options) error {
	g := b.Graph
	if !o.Tie {
		splitIdentities(g)
	}
	if !slices.ContainsFunc(g.OfKind(graph.Const), isWeightLike) {
		liftConstantNodes(g)
	}
	gradients := newGradients()
	for _, n := range g.Nodes {
		for i, v := range n.In {
			if v != nil && v.Kind == graph.Const && isWeightLike(v) && gradients.input(n, i) {
				v.Kind = graph.Param
			}
		}
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
		if o.Freeze != nil && o.Freeze(v.Name) {
			v.Kind = graph.Const
		}
	}
	return nil
}

func isWeightLike(v *graph.Value) bool {
	return v.Type.DType.IsFloat() && len(v.Type.Shape) > 0 && v.Type.Shape.Elems() > 0
}

// splitIdentities gives every Identity of an initializer its own tensor under the Identity's output name. Inference
// exports merge equal initializers, such as all LayerNorm scales of a new model, and restore the names by Identity;
// taken literally that would tie them.
func splitIdentities(g *graph.Graph) {
	g.RemoveNodes(func(n *graph.Node) bool {
		if n.Op.Type != "Identity" || n.Op.Domain != "" {
			return false
		}
		from, to := n.In[0], n.Out[0]
		if from.Kind != graph.Const || !isWeightLike(from) || slices.Contains(g.Outputs, to) {
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
		if n.Op.Type != "Constant" || n.Op.Domain != "" || t == nil || !t.DType.IsFloat() || t.Elems() < 2 {
			return false
		}
		v := n.Out[0]
		v.Kind, v.Producer = graph.Const, nil
		v.Type, v.Init = graph.Type{DType: t.DType, Shape: t.Shape}, t
		return true
	})
}

// reach makes a constant of every parameter without a differentiable path to the loss, such as an attention mask that
// is stored among the weights, and folds what then is constant.
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
	for _, v := range g.Params() {
		if !reaching[v.ID] {
			v.Kind = graph.Const
			g.Notice("%q %v does not reach the loss differentiably and stays as it is", v.Name, v.Type)
		}
	}
	if err := fold(g); err != nil {
		return err
	}
	b.Params = g.Params()
	return nil
}

// Role says what a parameter does in the graph: "weight", "bias", "norm" or "embedding".
func Role(g *graph.Graph, param *graph.Value) string {
	for _, n := range g.Nodes {
		if n.Origin != nil || !slices.Contains(n.In, param) {
			continue
		}
		switch n.Op.Type {
		case "BatchNormalization", "BatchNormTraining", "LayerNormalization", "InstanceNormalization", "GroupNormalization", "RMSNormalization":
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
