package pass

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

// bias takes the vector that a linear layer adds to its product into the product, which adds it before a number leaves
// the registers.
func bias(b *Built, _ *Options) error {
	g := b.Graph
	m := matcher{g: g, uses: g.Uses()}
	for _, add := range g.Nodes {
		if add.Op.Domain != "" || add.Op.Type != "Add" {
			continue
		}
		for i, y := range add.In {
			vector := add.In[1-i]
			attrs, ok := m.takesBias(y, vector)
			if !ok {
				continue
			}
			id := graph.OpID{Domain: op.Internal, Type: "FusedMatMul", Since: 1}
			if err := m.become(add, id, attrs, 0, y.Producer.In[0], y.Producer.In[1], vector); err != nil {
				return err
			}
			break
		}
	}
	return nil
}

// takesBias reports a product y that nothing else reads, of which vector has a number for every column, and the
// attributes that the product has as a FusedMatMul.
func (m *matcher) takesBias(y, vector *graph.Value) (graph.Attrs, bool) {
	n, shape := y.Producer, y.Type.Shape
	if n == nil || !m.readOnce(y) || len(shape) < 2 || !vector.Type.Shape.Equal(shape[len(shape)-1:]) {
		return nil, false
	}
	switch {
	case n.Op.Domain == op.Internal && n.Op.Type == "FusedMatMul" && n.Input(2) == nil:
		return n.Attrs, true
	case n.Op.Domain == "" && n.Op.Type == "MatMul" && len(n.In[0].Type.Shape) > 1 && len(n.In[1].Type.Shape) > 1:
		return graph.MakeAttrs("transA", 0, "transB", 0, "alpha", 1.0), true
	}
	return nil, false
}
