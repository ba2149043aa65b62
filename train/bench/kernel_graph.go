package bench

import (
	"fmt"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// graph is that of the call alone.
func (c kernelCall) graph(dt tensor.DType) (*graph.Graph, error) {
	g := graph.New(c.name)
	for i, shape := range c.in {
		t := graph.Type{DType: tensor.Float32, Shape: shape}
		if i == len(c.in)-1 && c.indices > 0 {
			t.DType = tensor.Int64
		}
		g.Inputs = append(g.Inputs, g.NewValue(fmt.Sprintf("in%d", i), graph.Input, t))
	}
	opset := op.EmitOpset
	if c.typ == "Gelu" {
		opset = 20
	}
	def, err := op.Resolve(c.domain, c.typ, opset)
	if err != nil {
		return nil, err
	}
	n := &graph.Node{Name: c.name, Op: def.ID(), Attrs: c.attrs, In: g.Inputs}
	for range max(c.outs, 1) {
		n.Out = append(n.Out, g.NewValue("", graph.Computed, graph.Type{}))
	}
	g.AddNode(n)
	if err := def.Infer(n); err != nil {
		return nil, err
	}
	g.Outputs = n.Out
	if dt == tensor.BFloat16Type {
		c.narrow(n)
	}
	return g, nil
}

// narrow makes those values bf16 that are in training.
func (c kernelCall) narrow(n *graph.Node) {
	most := 0
	for i, v := range n.In {
		most = max(most, v.Type.Shape.Elems())
		if v.Type.DType == tensor.Float32 && len(v.Type.Shape) > 1 && !slices.Contains(c.wide, i) {
			v.Type.DType = tensor.BFloat16Type
		}
	}
	for _, v := range n.Out {
		statistic := v.Type.Shape.Elems() <= most/64
		if v.Type.DType == tensor.Float32 && !c.wideOut && !statistic {
			v.Type.DType = tensor.BFloat16Type
		}
	}
}

// fill writes random numbers.
func (c kernelCall) fill(t *tensor.Tensor, seed uint64) {
	low, high := 0.1, 1.0
	if t.DType == tensor.Int64 {
		low, high = 0, float64(c.indices-1) // of which the whole part counts
	}
	t.SetFloat64s(op.Uniform(seed, low, high, t.Shape...).Float64s())
}
