package pass

import (
	"errors"
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	expansions[[2]string{"", "If"}] = expansion{run: (*expander).conditional, passes: true}
}

// conditional expands an If: to the branch that a constant condition takes, or else to both, of whose results, if they
// have the same types, the condition selects. Then a branch must not fail on what it is not meant for, and a NaN in the
// gradient of what is not selected reaches the parameters.
func (x *expander) conditional(n *graph.Node) error {
	then, otherwise := n.Attrs.Graph("then_branch"), n.Attrs.Graph("else_branch")
	if then == nil || otherwise == nil || len(n.In) == 0 || n.In[0] == nil {
		return fmt.Errorf("a condition, a then_branch and an else_branch are needed")
	}
	if t := n.In[0].Type; t.DType != tensor.Bool || t.Shape.Elems() != 1 {
		return fmt.Errorf("the condition %q is %v and should be one bool", n.In[0].Name, t)
	}
	if t := n.ConstInput(0); t != nil {
		taken := otherwise
		if t.Data[0] != 0 {
			taken = then
		}
		outs, err := x.inline(n, taken, n.Name+"/", nil)
		if err != nil {
			return err
		}
		return x.results(n, outs)
	}
	a, err := x.inline(n, then, n.Name+"/then/", nil)
	if err != nil {
		return err
	}
	b, err := x.inline(n, otherwise, n.Name+"/else/", nil)
	if err != nil {
		return err
	}
	outs, err := x.selected(n, a, b)
	if err != nil {
		return err
	}
	return x.results(n, outs)
}

// selected are the results of the branch that the condition takes.
func (x *expander) selected(n *graph.Node, then, otherwise []*graph.Value) ([]*graph.Value, error) {
	if len(then) != len(otherwise) {
		return nil, fmt.Errorf("its branches give %d and %d results", len(then), len(otherwise))
	}
	if err := errors.Join(x.tensors(then), x.tensors(otherwise)); err != nil {
		return nil, fmt.Errorf("the condition %q depends on the data of a batch: %w", n.In[0].Name, err)
	}
	scalar, err := x.emit(n, "Reshape", nil, 1, n.In[0], x.g.NewConst("", tensor.New(tensor.Int64, 0)))
	if err != nil {
		return nil, err
	}
	var outs []*graph.Value
	for i, a := range then {
		b := otherwise[i]
		if a.Type.DType != b.Type.DType || !a.Type.Shape.Equal(b.Type.Shape) {
			return nil, fmt.Errorf("the condition %q depends on the data of a batch, and the branches give result %d as %v and %v; "+
				"only results of one type can be selected", n.In[0].Name, i, a.Type, b.Type)
		}
		out, err := x.emit(n, "Where", nil, 1, scalar[0], a, b)
		if err != nil {
			return nil, err
		}
		outs = append(outs, out[0])
	}
	return outs, nil
}
