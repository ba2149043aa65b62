// Package autodiff adds reverse-mode gradients to a graph as graph nodes.
package autodiff

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Gradient appends to g the nodes that compute the gradient of loss with respect to each value of wrt. seed is the
// gradient that arrives at loss, of its type; nil stands for one, and needs a scalar loss. A value that loss does not
// depend on differentiably has a nil gradient. g must be resolved and inferred.
func Gradient(g *graph.Graph, loss, seed *graph.Value, wrt []*graph.Value) ([]*graph.Value, error) {
	if !loss.Type.DType.IsFloat() {
		return nil, fmt.Errorf("loss %q is %v, which has no gradient", loss.Name, loss.Type)
	}
	if seed == nil {
		if loss.Type.Shape.Elems() != 1 {
			return nil, fmt.Errorf("loss %q has shape %v; reduce it to a scalar", loss.Name, loss.Type.Shape)
		}
		one := tensor.New(loss.Type.DType, loss.Type.Shape...)
		one.SetFloat64s([]float64{1})
		seed = g.NewConst(loss.Name+"_grad", one)
	}
	forward := g.Nodes[:len(g.Nodes):len(g.Nodes)]
	wanted, err := leadsTo(g, forward, wrt)
	if err != nil {
		return nil, err
	}
	parts := make([][]*graph.Value, len(g.Values)+1) // contributions to each forward value's gradient, by ID
	parts[loss.ID] = append(parts[loss.ID], seed)
	for i := len(forward) - 1; i >= 0; i-- {
		if err := backward(g, forward[i], wanted, parts); err != nil {
			return nil, err
		}
	}
	grads := make([]*graph.Value, len(wrt))
	for i, v := range wrt {
		if grads[i], err = sum(g, nil, v, parts[v.ID]); err != nil {
			return nil, err
		}
	}
	return grads, nil
}

// leadsTo marks, by ID, the values that depend differentiably on one of wrt.
func leadsTo(g *graph.Graph, nodes []*graph.Node, wrt []*graph.Value) ([]bool, error) {
	marked := make([]bool, len(g.Values))
	for _, v := range wrt {
		marked[v.ID] = true
	}
	for _, n := range nodes {
		def, err := op.Of(n)
		if err != nil {
			return nil, err
		}
		if def.Grad == nil {
			continue
		}
		for i, v := range n.In {
			if v == nil || !marked[v.ID] || !differentiable(def, i) {
				continue
			}
			for _, out := range n.Out {
				if out != nil && out.Type.DType.IsFloat() {
					marked[out.ID] = true
				}
			}
			break
		}
	}
	return marked, nil
}

func differentiable(def op.Def, input int) bool {
	for _, i := range def.NoGrad {
		if i == input {
			return false
		}
	}
	return true
}

// backward emits the gradient nodes of one forward node and files what they contribute.
func backward(g *graph.Graph, n *graph.Node, wanted []bool, parts [][]*graph.Value) error {
	def, err := op.Of(n)
	if err != nil || def.Grad == nil {
		return err
	}
	wants := make([]bool, len(n.In))
	any := false
	for i, v := range n.In {
		wants[i] = v != nil && wanted[v.ID] && v.Type.DType.IsFloat() && differentiable(def, i)
		any = any || wants[i]
	}
	arrived := false
	for _, v := range n.Out {
		arrived = arrived || v != nil && len(parts[v.ID]) > 0
	}
	if !any || !arrived {
		return nil
	}
	b := &op.Backward{Graph: g, Node: n, Wants: wants, InGrads: make([]*graph.Value, len(n.In))}
	for _, v := range n.Out {
		var arriving *graph.Value
		if v != nil {
			if arriving, err = sum(g, n, v, parts[v.ID]); err != nil {
				return err
			}
		}
		b.OutGrads = append(b.OutGrads, arriving)
	}
	def.Grad(b)
	if b.Err != nil {
		return b.Err
	}
	for i, grad := range b.InGrads {
		if grad == nil || !wants[i] {
			continue
		}
		if v := n.In[i]; grad.Type.DType != v.Type.DType || !grad.Type.Shape.Equal(v.Type.Shape) {
			return graph.Errorf(n, "the gradient of input %d, %q, is %v instead of %v", i, v.Name, grad.Type, v.Type)
		}
		parts[n.In[i].ID] = append(parts[n.In[i].ID], grad)
	}
	return nil
}

// sum adds the contributions to the gradient of v, later nodes' first, so that the order is the graph's.
func sum(g *graph.Graph, origin *graph.Node, v *graph.Value, parts []*graph.Value) (*graph.Value, error) {
	if len(parts) == 0 {
		return nil, nil
	}
	total := parts[0]
	for _, part := range parts[1:] {
		out, err := op.Build(g, origin, "", "Add", nil, 1, total, part)
		if err != nil {
			return nil, err
		}
		total = out[0]
	}
	return total, nil
}
