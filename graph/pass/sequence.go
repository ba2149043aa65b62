package pass

import (
	"fmt"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Sequences are lists of tensors whose length and order are known when a graph is expanded, so that nothing is left of
// them but the tensors: expander.lists has those of the values that stand for sequences.
func init() {
	for typ, e := range map[string]expansion{
		"SequenceEmpty":      {run: (*expander).sequenceConstruct},
		"SequenceConstruct":  {run: (*expander).sequenceConstruct},
		"SequenceInsert":     {run: (*expander).sequenceInsert, noGrad: []int{2}},
		"SequenceErase":      {run: (*expander).sequenceErase, noGrad: []int{1}},
		"SequenceAt":         {run: (*expander).sequenceAt, noGrad: []int{1}},
		"SequenceLength":     {run: (*expander).sequenceLength},
		"SequenceMap":        {run: (*expander).sequenceMap, passes: true},
		"SplitToSequence":    {run: (*expander).splitToSequence, noGrad: []int{1}},
		"ConcatFromSequence": {run: (*expander).concatFromSequence},
	} {
		expansions[[2]string{"", typ}] = e
	}
}

// list is the sequence that input i stands for.
func (x *expander) list(n *graph.Node, i int) ([]*graph.Value, error) {
	if list, ok := x.lists[n.Input(i)]; ok {
		return list, nil
	}
	return nil, fmt.Errorf("input %d is no sequence", i)
}

// tensors checks that values are no sequences.
func (x *expander) tensors(values []*graph.Value) error {
	for _, v := range values {
		if _, ok := x.lists[v]; ok || v == nil {
			return fmt.Errorf("a tensor is needed, not a sequence or nothing")
		}
	}
	return nil
}

// position is what the constant input i gives in a sequence of size tensors, negative from the end, below limit; absent
// without the input.
func position(n *graph.Node, i, size, limit, absent int) (int, error) {
	at := absent
	if v := n.Input(i); v != nil {
		t := n.ConstInput(i)
		if t == nil {
			return 0, fmt.Errorf("the position %q depends on the data of a batch; only positions known before the run are supported", v.Name)
		}
		if !t.DType.IsInt() || t.Elems() != 1 {
			return 0, fmt.Errorf("the position %q is %v and should be one integer", v.Name, t)
		}
		at = int(t.Int64s()[0])
	}
	given := at
	if at < 0 {
		at += size
	}
	if at < 0 || at >= limit {
		return 0, fmt.Errorf("position %d is outside of a sequence of %d tensors", given, size)
	}
	return at, nil
}

// becomes makes output 0 stand for a sequence.
func (x *expander) becomes(n *graph.Node, list []*graph.Value) error {
	if slices.Contains(x.g.Outputs, n.Out[0]) {
		return fmt.Errorf("a sequence as an output of the model is not supported; return its tensors")
	}
	x.lists[n.Out[0]] = list
	return nil
}

func (x *expander) sequenceConstruct(n *graph.Node) error {
	if err := x.tensors(n.In); err != nil {
		return err
	}
	return x.becomes(n, slices.Clone(n.In))
}

func (x *expander) sequenceInsert(n *graph.Node) error {
	list, err := x.list(n, 0)
	if err != nil {
		return err
	}
	v := n.Input(1)
	if err := x.tensors([]*graph.Value{v}); err != nil {
		return err
	}
	at, err := position(n, 2, len(list), len(list)+1, len(list))
	if err != nil {
		return err
	}
	return x.becomes(n, slices.Insert(slices.Clone(list), at, v))
}

func (x *expander) sequenceErase(n *graph.Node) error {
	list, err := x.list(n, 0)
	if err != nil {
		return err
	}
	at, err := position(n, 1, len(list), len(list), -1)
	if err != nil {
		return err
	}
	return x.becomes(n, slices.Delete(slices.Clone(list), at, at+1))
}

func (x *expander) sequenceAt(n *graph.Node) error {
	list, err := x.list(n, 0)
	if err != nil {
		return err
	}
	at, err := position(n, 1, len(list), len(list), -1)
	if err != nil {
		return err
	}
	return x.results(n, list[at:at+1])
}

func (x *expander) sequenceLength(n *graph.Node) error {
	list, err := x.list(n, 0)
	if err != nil {
		return err
	}
	return x.results(n, []*graph.Value{x.g.NewConst("", tensor.Scalar(int64(len(list))))})
}

// sequenceMap runs its body on every tensor of the first sequence, with those of the others at the same place and with
// tensors as they are.
func (x *expander) sequenceMap(n *graph.Node) error {
	body := n.Attrs.Graph("body")
	if body == nil {
		return fmt.Errorf("attribute body is missing")
	}
	own, _ := x.captures.split(n, body)
	first, err := x.list(n, 0)
	if err != nil || len(own) == 0 {
		return fmt.Errorf("a sequence is needed")
	}
	results := make([][]*graph.Value, len(body.Outputs))
	for i := range first {
		args := slices.Clone(own)
		for k, v := range own {
			list, ok := x.lists[v]
			if !ok {
				continue
			}
			if len(list) != len(first) {
				return fmt.Errorf("sequences of %d and %d tensors", len(first), len(list))
			}
			args[k] = list[i]
		}
		outs, err := x.inline(n, body, fmt.Sprintf("%s/%d/", n.Name, i), args)
		if err != nil {
			return err
		}
		for k, v := range outs {
			results[k] = append(results[k], v)
		}
	}
	outs := make([]*graph.Value, len(results))
	for k, list := range results {
		outs[k] = x.g.NewValue("", graph.Computed, graph.Type{})
		x.lists[outs[k]] = list
	}
	return x.results(n, outs)
}

// splitToSequence cuts a tensor along an axis: by a list of sizes, into parts of one size, of which the last may be
// smaller, or into parts of 1, whose axis keepdims says to keep. ONNX ignores keepdims when a size is given; PyTorch
// exports unbind with a size of 1 and keepdims of 0 and means it, as ONNX Runtime understands it.
func (x *expander) splitToSequence(n *graph.Node) error {
	v := n.Input(0)
	if err := x.tensors([]*graph.Value{v}); err != nil {
		return err
	}
	axis, err := v.Type.Shape.Axis(n.Attrs.Int("axis", 0))
	if err != nil {
		return err
	}
	ones := n.Input(1) == nil
	if t := n.ConstInput(1); t != nil && len(t.Shape) == 0 {
		ones = t.DType.IsInt() && t.Int64s()[0] == 1
	}
	if ones && !n.Attrs.Bool("keepdims", true) {
		parts, err := x.slices(n, v, axis)
		if err != nil {
			return err
		}
		return x.becomes(n, parts)
	}
	sizes, err := partSizes(n, v.Type.Shape[axis])
	if err != nil {
		return err
	}
	if len(sizes) == 1 {
		return x.becomes(n, []*graph.Value{v})
	}
	parts, err := x.emit(n, "Split", graph.MakeAttrs("axis", axis), len(sizes), v, x.g.NewConst("", tensor.Vector(sizes...)))
	if err != nil {
		return err
	}
	return x.becomes(n, slices.Clone(parts))
}

func partSizes(n *graph.Node, length int) ([]int64, error) {
	size := int64(1)
	if v := n.Input(1); v != nil {
		t := n.ConstInput(1)
		if t == nil || !t.DType.IsInt() {
			return nil, fmt.Errorf("the sizes %q depend on the data of a batch; only sizes known before the run are supported", v.Name)
		}
		if len(t.Shape) > 0 {
			return t.Int64s(), nil
		}
		size = t.Int64s()[0]
	}
	if size < 1 || length < 1 || int64(length)/size > maxExpanded {
		return nil, fmt.Errorf("a length of %d in parts of %d", length, size)
	}
	var sizes []int64
	for left := int64(length); left > 0; left -= size {
		sizes = append(sizes, min(size, left))
	}
	return sizes, nil
}

func (x *expander) concatFromSequence(n *graph.Node) error {
	list, err := x.list(n, 0)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return fmt.Errorf("the sequence is empty")
	}
	axis := n.Attrs.Int("axis", 0)
	if n.Attrs.Bool("new_axis", false) {
		out, err := x.stack(n, list, axis, nil)
		if err != nil {
			return err
		}
		return x.results(n, []*graph.Value{out})
	}
	out, err := x.emit(n, "Concat", graph.MakeAttrs("axis", axis), 1, list...)
	if err != nil {
		return err
	}
	return x.results(n, out)
}

// sequenceInputs is for nodes whose operators are not expanded: an Identity hands a sequence on, the others take none.
func (x *expander) sequenceInputs(n *graph.Node) (handled bool, err error) {
	for i, v := range n.In {
		list, ok := x.lists[v]
		switch {
		case !ok:
		case n.Op.Type == "Identity" && n.Op.Domain == "":
			return true, graph.At(n, x.becomes(n, list))
		default:
			return false, graph.Errorf(n, "input %d, %q, is a sequence, which the operator does not take", i, v.Name)
		}
	}
	return false, nil
}
