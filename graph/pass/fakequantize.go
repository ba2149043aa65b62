package pass

import (
	"bytes"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

// fakeQuantize makes one node of a QuantizeLinear and the DequantizeLinear n that undoes it, as models for
// quantization-aware training have them around weights and activations: integers carry no gradient, the pair does.
func (m *matcher) fakeQuantize(n *graph.Node) error {
	if n.Op.Domain != "" || n.Op.Type != "DequantizeLinear" {
		return nil
	}
	q := by(n.In[0], "QuantizeLinear")
	if q == nil || q.In[0].Type.DType != n.Out[0].Type.DType {
		return nil
	}
	for i := 1; i <= 2; i++ {
		if !sameConst(q.Input(i), n.Input(i)) {
			return nil
		}
	}
	for _, name := range []string{"axis", "block_size"} {
		if q.Attrs.Int(name, -1) != n.Attrs.Int(name, -1) {
			return nil
		}
	}
	return m.become(n, graph.OpID{Domain: op.Internal, Type: "FakeQuantize", Since: 1}, q.Attrs, 0, q.In...)
}

// sameConst reports two values that are the same, or constants of the same elements.
func sameConst(a, b *graph.Value) bool {
	if a == b {
		return true
	}
	return a != nil && b != nil && a.Kind == graph.Const && b.Kind == graph.Const &&
		a.Type.DType == b.Type.DType && a.Type.Shape.Equal(b.Type.Shape) && bytes.Equal(a.Init.Data, b.Init.Data)
}
