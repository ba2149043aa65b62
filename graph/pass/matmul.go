package pass

import (
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

// matMul takes transposes of the last two axes and a scalar factor into the product, so that neither a weight nor the
// keys of attention are moved in memory, and the gradient goes straight to the untransposed weight.
func (m *matcher) matMul(n *graph.Node) error {
	if n.Op.Type != "MatMul" || n.Op.Domain != "" || len(n.In[0].Type.Shape) < 2 || len(n.In[1].Type.Shape) < 2 {
		return nil
	}
	a, transA, err := m.untransposed(n, n.In[0])
	if err != nil {
		return err
	}
	b, transB, err := m.untransposed(n, n.In[1])
	if err != nil {
		return err
	}
	last, alpha := n, 1.0
	if mul := m.only(n.Out[0], "Mul"); mul != nil {
		if _, c, ok := constOperand(mul); ok && mul.Out[0].Type.Shape.Equal(n.Out[0].Type.Shape) {
			last, alpha = mul, c
		}
	} else if div := m.only(n.Out[0], "Div"); div != nil && div.In[0] == n.Out[0] {
		if c, ok := scalarConst(div.In[1]); ok && c != 0 && div.Out[0].Type.Shape.Equal(n.Out[0].Type.Shape) {
			last, alpha = div, 1/c
		}
	}
	if transA+transB == 0 && last == n {
		return nil
	}
	id := graph.OpID{Domain: op.Internal, Type: "FusedMatMul", Since: 1}
	return m.become(last, id, graph.MakeAttrs("transA", transA, "transB", transB, "alpha", alpha), 0, a, b)
}

// untransposed returns what to multiply instead of v, and 1 when that is v with its last two axes swapped. A transpose
// that moves more axes is split: the part that keeps rows contiguous stays a node.
func (m *matcher) untransposed(n *graph.Node, v *graph.Value) (*graph.Value, int, error) {
	t := by(v, "Transpose")
	if t == nil {
		return v, 0, nil
	}
	perm := slices.Clone(t.Attrs.Ints("perm"))
	rank := len(v.Type.Shape)
	if len(perm) == 0 {
		for i := range rank {
			perm = append(perm, rank-1-i)
		}
	}
	if len(perm) != rank || perm[rank-2] != rank-1 {
		return v, 0, nil
	}
	perm[rank-2], perm[rank-1] = perm[rank-1], perm[rank-2]
	if slices.IsSorted(perm) {
		return t.In[0], 1, nil
	}
	out, err := op.Build(m.g, nil, "", "Transpose", graph.MakeAttrs("perm", perm), 1, t.In[0])
	if err != nil {
		return nil, 0, graph.At(n, err)
	}
	return out[0], 1, nil
}
