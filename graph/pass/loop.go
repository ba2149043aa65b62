package pass

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	expansions[[2]string{"", "Loop"}] = expansion{run: (*expander).loop, passes: true}
}

// loop unrolls a Loop. Its trip count and, at every iteration, its condition must be known.
func (x *expander) loop(n *graph.Node) error {
	body := n.Attrs.Graph("body")
	if body == nil {
		return fmt.Errorf("attribute body is missing")
	}
	own, _ := x.captures.split(n, body)
	if len(own) < 2 || len(body.Outputs) < len(own)-1 {
		return fmt.Errorf("%d inputs and a body of %d outputs, where the body should give a condition and all inputs but two",
			len(own), len(body.Outputs))
	}
	trips, err := tripCount(n)
	if err != nil {
		return err
	}
	going, carried := own[1], own[2:]
	scanned := make([][]*graph.Value, len(body.Outputs)-len(own)+1)
	arguments := func(trip int, cond bool) []*graph.Value {
		start := []*graph.Value{x.g.NewConst("", tensor.Scalar(int64(trip))), x.g.NewConst("", tensor.Scalar(cond))}
		return append(start, carried...)
	}
	for trip := range trips {
		more, err := known(going, trip)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if x.count++; len(body.Nodes) == 0 && x.count > maxExpanded {
			return fmt.Errorf("it loops more than %d times", maxExpanded)
		}
		outs, err := x.inline(n, body, fmt.Sprintf("%s/%d/", n.Name, trip), arguments(trip, true))
		if err != nil {
			return err
		}
		going, carried = outs[0], outs[1:len(own)-1]
		for k, v := range outs[len(own)-1:] {
			scanned[k] = append(scanned[k], v)
		}
	}
	results := append([]*graph.Value{}, carried...)
	for k, list := range scanned {
		out, err := x.stack(n, list, 0, func() (graph.Type, error) {
			return x.typeOf(n, body, len(own)-1+k, arguments(0, true))
		})
		if err != nil {
			return err
		}
		results = append(results, out)
	}
	return x.results(n, results)
}

// tripCount is the number of iterations that input 0 allows.
func tripCount(n *graph.Node) (int, error) {
	v := n.In[0]
	if v == nil {
		return math.MaxInt, nil
	}
	t := n.ConstInput(0)
	switch {
	case t == nil:
		return 0, fmt.Errorf("its trip count %q depends on the data of a batch; only a loop whose length is known before the run "+
			"can be unrolled", v.Name)
	case t.DType != tensor.Int64 || t.Elems() != 1:
		return 0, fmt.Errorf("its trip count %q is %v and should be one int64", v.Name, t)
	}
	return int(max(t.I64()[0], 0)), nil
}

// known is the value of the condition under which an iteration runs; absent, it always does.
func known(v *graph.Value, trip int) (bool, error) {
	switch {
	case v == nil:
		return true, nil
	case v.Type.DType != tensor.Bool || v.Type.Shape.Elems() != 1:
		return false, fmt.Errorf("the condition %q of iteration %d is %v and should be one bool", v.Name, trip, v.Type)
	case v.Kind != graph.Const:
		return false, fmt.Errorf("whether iteration %d runs depends on the data of a batch through %q; only a loop whose length is "+
			"known before the run can be unrolled", trip, v.Name)
	}
	return v.Init.Data[0] != 0, nil
}

// stack joins values along a new axis; of none, whose type empty tells, it is a constant without elements.
func (x *expander) stack(n *graph.Node, list []*graph.Value, axis int, empty func() (graph.Type, error)) (*graph.Value, error) {
	if len(list) == 0 {
		t, err := empty()
		if err != nil {
			return nil, err
		}
		shape, err := withAxis(t.Shape, axis, 0)
		if err != nil {
			return nil, err
		}
		return x.g.NewConst("", tensor.New(t.DType, shape...)), nil
	}
	at := x.g.NewConst("", tensor.Vector(int64(axis)))
	parts := make([]*graph.Value, len(list))
	for i, v := range list {
		if _, err := withAxis(v.Type.Shape, axis, 1); err != nil {
			return nil, err
		}
		out, err := x.emit(n, "Unsqueeze", nil, 1, v, at)
		if err != nil {
			return nil, err
		}
		parts[i] = out[0]
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	out, err := x.emit(n, "Concat", graph.MakeAttrs("axis", axis), 1, parts...)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// withAxis is a shape with another axis of a size.
func withAxis(s tensor.Shape, axis, size int) (tensor.Shape, error) {
	if axis < 0 {
		axis += len(s) + 1
	}
	if axis < 0 || axis > len(s) {
		return nil, fmt.Errorf("results of shape %v cannot be stacked along axis %d", s, axis)
	}
	out := append(s[:axis:axis], size)
	return append(out, s[axis:]...), nil
}

// typeOf is the type of an output of a body that never runs, as the file declares it or else as it follows from args.
func (x *expander) typeOf(n *graph.Node, body *graph.Graph, output int, args []*graph.Value) (graph.Type, error) {
	if t := body.Outputs[output].Type; t.Static() {
		return t, nil
	}
	before := len(x.g.Nodes)
	outs, err := x.inline(n, body, n.Name+"/none/", args)
	if err != nil {
		return graph.Type{}, err
	}
	x.g.Nodes = x.g.Nodes[:before]
	return outs[output].Type, nil
}
