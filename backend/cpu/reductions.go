package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	tol := Tol{Abs: 2e-5, Rel: 1e-5}
	registerReduction("sum_to", graph.OpID{Domain: op.Internal, Type: "SumTo"}, sumReducer, tol, sumToShape)
	registerReduction("reduce_sum", onnx("ReduceSum"), sumReducer, tol, reducedShape)
	registerReduction("reduce_mean", onnx("ReduceMean"), meanReducer, tol, reducedShape)
	registerReduction("reduce_max", onnx("ReduceMax"), maxReducer, Tol{}, reducedShape)
}

// registerReduction registers an operator that reduces its first input to the shape that kept gives, which has 1 for
// each reduced dimension and may lack leading ones; nil where the kernel cannot run the node.
func registerReduction(name string, id graph.OpID, f reducer, tol Tol, kept func(n *graph.Node) tensor.Shape) {
	plan := func(n *graph.Node) *reduction { return newReduction(f, n.In[0].Type.Shape, kept(n)) }
	Register(Kernel{
		Name: name, Op: id, Tol: tol, Half: halfAmong([]int{0}, nil),
		When: func(n *graph.Node) bool {
			x := n.In[0].Type
			return (x.DType == tensor.Float32 || isHalf(n.In[0])) && len(x.Shape) <= maxRank && nonEmpty(n) && kept(n) != nil
		},
		Scratch: func(n *graph.Node, threads int) int { return plan(n).scratch(threads) },
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			return plan(n).bind(vectorOf(in[0]), out[0].F32(), s), nil
		},
	})
}

func sumToShape(n *graph.Node) tensor.Shape { return append(tensor.Shape{}, n.Attrs.Ints("shape")...) }

// reducedShape reads the axes of ONNX's Reduce operators: an attribute, or since ReduceSum-13 and opset 18 an input.
func reducedShape(n *graph.Node) tensor.Shape {
	shape := n.In[0].Type.Shape.Clone()
	asInput := n.Op.Since >= 18 || n.Op.Type == "ReduceSum" && n.Op.Since >= 13
	var axes []int
	if !asInput {
		axes = n.Attrs.Ints("axes")
	} else if v := n.Input(1); v != nil {
		t := n.ConstInput(1)
		if t == nil {
			return nil
		}
		for _, a := range t.Int64s() {
			axes = append(axes, int(a))
		}
	}
	if len(axes) == 0 {
		if asInput && n.Attrs.Bool("noop_with_empty_axes", false) {
			return shape
		}
		for i := range shape {
			shape[i] = 1
		}
	}
	for _, a := range axes {
		axis, err := shape.Axis(a)
		if err != nil {
			return nil
		}
		shape[axis] = 1
	}
	return shape
}
