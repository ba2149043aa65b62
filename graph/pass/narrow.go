package pass

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// narrow stores activations and their gradients in bf16, when asked to: the values that depend on both the data and the
// parameters change their type, and operators compute as before (Eval in float64, kernels with sums in float32) with one
// rounding of each such result. float32 stay
//   - parameters, states, constants and inputs, and what is made of them alone, such as transposed weights or masks;
//   - gradients of parameters and the sums, views and pieces that only lead to them;
//   - statistics: results much smaller than what they are made from, such as means and variances;
//   - what lies between the last weights and the loss, such as logits;
//   - whatever is read after the run.
func narrow(b *Built, o *Options) error {
	if o.DType != tensor.BFloat16Type {
		return nil
	}
	g := b.Graph
	kept := b.keptWide()
	dependsOn := dependences(g)
	for _, n := range g.Nodes {
		for _, v := range n.Out {
			if v == nil || v.Type.DType != tensor.Float32 || kept[v.ID] || dependsOn[v.ID] != onData|onParams || isStatistic(n, v, dependsOn) {
				continue
			}
			v.Type.DType = tensor.BFloat16Type
		}
	}
	return nil
}

// keptWide are, by ID, the values that keep their type for what they lead to.
func (b *Built) keptWide() []bool {
	g := b.Graph
	kept := make([]bool, len(g.Values))
	keep := func(v *graph.Value) {
		if v != nil {
			kept[v.ID] = true
		}
	}
	keep(b.Output)
	for _, v := range g.Outputs {
		keep(v)
	}
	for _, u := range g.Updates {
		keep(u.Value)
	}
	for _, v := range b.Grads {
		keep(v)
	}
	uses := g.Uses()
	for i := len(g.Nodes) - 1; i >= 0; i-- {
		n := g.Nodes[i]
		if n.Origin == nil {
			continue
		}
		for _, v := range n.Out {
			if v != nil && !kept[v.ID] {
				kept[v.ID] = len(uses[v.ID]) > 0 && onlyAccumulated(uses[v.ID], kept)
			}
		}
	}
	for _, v := range b.nearLoss() {
		keep(v)
	}
	return kept
}

// accumulating are the operators through which parts of a parameter's gradient come together.
var accumulating = map[string]bool{"Add": true, "Sum": true, "Identity": true, "Neg": true, "Reshape": true, "Transpose": true, "Squeeze": true,
	"Unsqueeze": true, "Slice": true, "Concat": true, "Pad": true, "SumTo": true, "Cast": true}

// onlyAccumulated reports whether everything made by readers is kept and made by accumulation.
func onlyAccumulated(readers []*graph.Node, kept []bool) bool {
	for _, n := range readers {
		if !accumulating[n.Op.Type] {
			return false
		}
		for _, v := range n.Out {
			if v != nil && !kept[v.ID] {
				return false
			}
		}
	}
	return true
}

// nearLoss are the forward values from the loss back to the first nodes that read weights, parameters of two axes or more, and
// what the nodes between leave for the gradient, such as logarithms of probabilities.
func (b *Built) nearLoss() []*graph.Value {
	if b.Loss == nil {
		return nil
	}
	var list []*graph.Value
	seen := map[*graph.Value]bool{}
	todo := []*graph.Value{b.Loss}
	for len(todo) > 0 {
		v := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if v == nil || seen[v] {
			continue
		}
		seen[v] = true
		list = append(list, v)
		if n := v.Producer; n != nil && !readsWeights(n) {
			todo = append(todo, n.In...)
			list = append(list, n.Out...)
		}
	}
	return list
}

func readsWeights(n *graph.Node) bool {
	for _, v := range n.In {
		for v != nil && v.Producer != nil && len(v.Producer.In) > 0 && v.Producer.Op.Type == "Transpose" {
			v = v.Producer.In[0]
		}
		if v != nil && v.Kind == graph.Param && len(v.Type.Shape) > 1 {
			return true
		}
	}
	return false
}

// dependence says what a value is made from.
type dependence uint8

const (
	onData dependence = 1 << iota
	onParams
)

func dependences(g *graph.Graph) []dependence {
	from := make([]dependence, len(g.Values))
	for _, v := range g.Values {
		switch v.Kind {
		case graph.Input:
			from[v.ID] = onData
		case graph.Param:
			from[v.ID] = onParams
		}
	}
	for _, n := range g.Nodes {
		all := dependence(0)
		for _, v := range n.In {
			if v != nil {
				all |= from[v.ID]
			}
		}
		for _, v := range n.Out {
			if v != nil {
				from[v.ID] = all
			}
		}
	}
	return from
}

// statisticShare is how many times smaller than the largest of the data that a node reads its result is to count as a
// statistic.
const statisticShare = 8

func isStatistic(n *graph.Node, out *graph.Value, from []dependence) bool {
	largest := 0
	for _, v := range n.In {
		if v != nil && v.Type.DType.IsFloat() && from[v.ID]&onData != 0 {
			largest = max(largest, v.Type.Shape.Elems())
		}
	}
	return out.Type.Shape.Elems()*statisticShare <= largest
}
