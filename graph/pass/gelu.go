package pass

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
)

// gelu recognises both forms of GELU: x/2 (1 + erf(x/√2)) and x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))), with the factors
// in the orders that exporters write. n is tried as erf or tanh.
func (m *matcher) gelu(n *graph.Node) error {
	if n.Op.Domain != "" {
		return nil
	}
	var x *graph.Value
	approximate := "none"
	switch n.Op.Type {
	case "Erf":
		x = erfArgument(n.In[0])
	case "Tanh":
		x = tanhArgument(n.In[0])
		approximate = "tanh"
	}
	if x == nil {
		return nil
	}
	add := m.only(n.Out[0], "Add")
	if add == nil || !isConst(other(add, n.Out[0]), 1) {
		return nil
	}
	last := m.halfTimes(add.Out[0], x)
	if last == nil {
		return nil
	}
	id := graph.OpID{Type: "Gelu", Since: 20}
	return m.become(last, id, graph.MakeAttrs("approximate", approximate), 0, x)
}

// halfTimes is the last node of 0.5 x v, in any order of the factors.
func (m *matcher) halfTimes(v, x *graph.Value) *graph.Node {
	mul := m.only(v, "Mul")
	if mul == nil {
		return nil
	}
	factor := other(mul, v)
	if half := by(factor, "Mul"); half != nil && isHalf(half, x) {
		return mul
	}
	next := m.only(mul.Out[0], "Mul")
	if next == nil {
		return nil
	}
	rest := other(next, mul.Out[0])
	if factor == x && isConst(rest, 0.5) || isConst(factor, 0.5) && rest == x {
		return next
	}
	return nil
}

func isHalf(mul *graph.Node, x *graph.Value) bool {
	v, c, ok := constOperand(mul)
	return ok && v == x && c == 0.5
}

// erfArgument is x where v = x/√2.
func erfArgument(v *graph.Value) *graph.Value {
	if div := by(v, "Div"); div != nil && isConst(div.In[1], math.Sqrt2) {
		return div.In[0]
	}
	if mul := by(v, "Mul"); mul != nil {
		if x, c, ok := constOperand(mul); ok && math.Abs(c-math.Sqrt2/2) < 1e-4 {
			return x
		}
	}
	return nil
}

// tanhArgument is x where v = √(2/π) (x + 0.044715 x³).
func tanhArgument(v *graph.Value) *graph.Value {
	mul := by(v, "Mul")
	if mul == nil {
		return nil
	}
	sum, c, ok := constOperand(mul)
	if !ok || math.Abs(c-math.Sqrt(2/math.Pi)) > 1e-4 {
		return nil
	}
	add := by(sum, "Add")
	if add == nil {
		return nil
	}
	for i, x := range add.In {
		cubic := by(add.In[1-i], "Mul")
		if cubic == nil {
			continue
		}
		cube, c, ok := constOperand(cubic)
		if !ok || math.Abs(c-0.044715) > 1e-5 {
			continue
		}
		if pow := by(cube, "Pow"); pow != nil && pow.In[0] == x && isConst(pow.In[1], 3) {
			return x
		}
	}
	return nil
}
