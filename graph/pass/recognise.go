package pass

import (
	"math"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

// recognise replaces what exporters write as many nodes and a kernel does as one. Patterns go by structure, never by
// name. The last node of a pattern becomes the new one; the rest is dropped when nobody else reads it.
func recognise(b *Built, _ *Options) error {
	g := b.Graph
	mergeEqual(g) // so that a pattern's equal subexpressions are the same value
	m := matcher{g: g, uses: g.Uses()}
	for _, n := range g.Nodes {
		for _, pattern := range []func(*graph.Node) error{m.layerNorm, m.gelu, m.matMul, m.fakeQuantize} {
			if err := pattern(n); err != nil {
				return err
			}
		}
	}
	if err := g.Sort(); err != nil {
		return err
	}
	dropUnread(g, nil)
	return nil
}

type matcher struct {
	g    *graph.Graph
	uses [][]*graph.Node
}

// by is the node that computes v when that is the ai.onnx operator typ.
func by(v *graph.Value, typ string) *graph.Node {
	if v != nil && producedBy(v, typ) {
		return v.Producer
	}
	return nil
}

// only is the single reader of v when that is the ai.onnx operator typ and v is not an output.
func (m *matcher) only(v *graph.Value, typ string) *graph.Node {
	if v.ID >= len(m.uses) || len(m.uses[v.ID]) != 1 || slices.Contains(m.g.Outputs, v) {
		return nil
	}
	if n := m.uses[v.ID][0]; n.Op.Domain == "" && n.Op.Type == typ {
		return n
	}
	return nil
}

// other is the operand of a two-operand node that is not v.
func other(n *graph.Node, v *graph.Value) *graph.Value {
	switch v {
	case n.In[0]:
		return n.In[1]
	case n.In[1]:
		return n.In[0]
	}
	return nil
}

// scalarConst is the value of a constant of one element.
func scalarConst(v *graph.Value) (float64, bool) {
	if v == nil || v.Kind != graph.Const || v.Init == nil || v.Init.Elems() != 1 || !v.Type.DType.IsFloat() {
		return 0, false
	}
	return v.Init.Float64s()[0], true
}

// isConst reports whether v is a constant near x.
func isConst(v *graph.Value, x float64) bool {
	c, ok := scalarConst(v)
	return ok && math.Abs(c-x) <= 1e-4*math.Abs(x)
}

// constOperand returns the operand of a commutative two-operand node that is not a scalar constant, and the constant.
func constOperand(n *graph.Node) (*graph.Value, float64, bool) {
	if c, ok := scalarConst(n.In[1]); ok {
		return n.In[0], c, true
	}
	if c, ok := scalarConst(n.In[0]); ok {
		return n.In[1], c, true
	}
	return nil, 0, false
}

// become rewrites a node in place; its first output keeps its value and readers.
func (m *matcher) become(n *graph.Node, id graph.OpID, attrs graph.Attrs, extraOuts int, in ...*graph.Value) error {
	n.Op, n.Attrs, n.In = id, attrs, in
	for range extraOuts {
		v := m.g.NewValue("", graph.Computed, graph.Type{})
		v.Producer = n
		n.Out = append(n.Out, v)
	}
	def, err := op.Of(n)
	if err != nil {
		return err
	}
	return graph.At(n, def.Infer(n))
}
