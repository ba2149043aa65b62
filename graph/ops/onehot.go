package ops

import (
	"fmt"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	for _, since := range []int{9, 11} {
		op.Register(op.Def{
			Type: "OneHot", Since: since,
			Infer:   inferOneHot,
			Eval:    evalOneHot,
			Samples: func() []op.Sample { return oneHotSamples(since) },
		})
	}
}

func inferOneHot(n *graph.Node) error {
	if err := inputs(n, 3, 3); err != nil {
		return err
	}
	for i := range 2 {
		if err := allow(n, i, numeric); err != nil {
			return err
		}
	}
	depth := n.ConstInput(1)
	if depth == nil {
		return fmt.Errorf("the depth, %q, depends on the data of a batch; only a value known before the run is supported", n.In[1].Name)
	}
	if depth.Elems() != 1 || depth.Int64s()[0] < 1 {
		return fmt.Errorf("the depth, %q, is not one positive number", n.In[1].Name)
	}
	if s := shapeOf(n, 2); !s.Equal(tensor.Shape{2}) {
		return fmt.Errorf("values of shape %v are not the pair of off and on", s)
	}
	axis, err := oneHotAxis(n)
	if err != nil {
		return err
	}
	return set(n, 0, typeOf(n, 2), slices.Insert(shapeOf(n, 0).Clone(), axis, int(depth.Int64s()[0])))
}

// oneHotAxis is the axis of the result, which has one more than the indices.
func oneHotAxis(n *graph.Node) (int, error) {
	r := len(shapeOf(n, 0)) + 1
	axis := n.Attrs.Int("axis", -1)
	if axis < -r || axis >= r {
		return 0, fmt.Errorf("axis %d is outside of rank %d", axis, r)
	}
	return (axis + r) % r, nil
}

// evalOneHot leaves indices outside of the depth off everywhere, as ONNX says; since opset 11 negative ones count
// from the end.
func evalOneHot(n *graph.Node, in, out []*tensor.Tensor) error {
	axis, err := oneHotAxis(n)
	if err != nil {
		return err
	}
	_, depth, inner := around(out[0].Shape, axis)
	for i := range out[0].Elems() {
		copyElem(out[0], i, in[2], 0)
	}
	for i, hot := range in[0].Int64s() {
		if hot < 0 && n.Op.Since >= 11 {
			hot += int64(depth)
		}
		if hot >= 0 && hot < int64(depth) {
			copyElem(out[0], (i/inner*depth+int(hot))*inner+i%inner, in[2], 1)
		}
	}
	return nil
}

func oneHotSamples(since int) []op.Sample {
	of := func(name string, axis int, index, depth, values, want *tensor.Tensor) op.Sample {
		return op.Sample{Name: name, Attrs: graph.MakeAttrs("axis", axis), Const: []int{1},
			In: []*tensor.Tensor{index, depth, values}, Want: one(want)}
	}
	offOn := floats32([]int{2}, 2, 5)
	all := []op.Sample{
		of("last axis", -1, ints(0, 2), tensor.Scalar[int64](3), offOn, floats32([]int{2, 3}, 5, 2, 2, 2, 2, 5)),
		of("first axis", 0, ints(0, 2), tensor.Vector[int64](3), offOn, floats32([]int{3, 2}, 5, 2, 2, 2, 2, 5)),
		of("between", 1, tensor.Of[int32](tensor.Shape{1, 2}, 1, 0), tensor.Scalar[int64](2), ints(0, 1),
			tensor.Of[int64](tensor.Shape{1, 2, 2}, 0, 1, 1, 0)),
		of("float index and depth", -1, floats32([]int{1}, 1), tensor.Scalar[float32](2), tensor.Vector(false, true),
			tensor.Of(tensor.Shape{1, 2}, false, true)),
		of("out of range", -1, ints(7), tensor.Scalar[int64](2), offOn, floats32([]int{1, 2}, 2, 2)),
		of("scalar", -1, tensor.Scalar[int64](1), tensor.Scalar[int64](2), offOn, floats32([]int{2}, 2, 5)),
	}
	negative := floats32([]int{1, 2}, 2, 2)
	if since >= 11 {
		negative = floats32([]int{1, 2}, 2, 5)
	}
	return append(all, of("negative", -1, ints(-1), tensor.Scalar[int64](2), offOn, negative))
}
