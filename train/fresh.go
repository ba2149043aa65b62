package train

import (
	"math"

	"github.com/onnxtrain/onnxtrain/data"
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Fresh draws new initial weights by what each parameter does, as PyTorch's layers do unless said otherwise: scales 1,
// shifts 0, states 0 and variances 1; kernels normal with variance 2/fan-in (He et al. 2015); matrices and the biases
// that follow them uniform within 1/√fan-in; embeddings and added tables normal with standard deviation 0.02.
func (e *Engine) Fresh(seed uint64) {
	for i, v := range e.first.Params {
		t := e.memory[v.Name]
		x := make([]float64, t.Elems())
		draw(x, initialiser(e.first.Graph, v), data.NewRand(seed, 0, uint64(i)))
		t.SetFloat64s(x)
	}
	for _, v := range e.first.Graph.OfKind(graph.State) {
		t := e.memory[v.Name]
		x := make([]float64, t.Elems())
		for _, n := range e.first.Graph.Nodes {
			if n.Input(4) == v { // the running variance of a BatchNorm
				for i := range x {
					x[i] = 1
				}
			}
		}
		t.SetFloat64s(x)
	}
}

type distribution struct {
	constant, normal, uniform float64 // a value, a standard deviation, a half width
}

func draw(x []float64, d distribution, r *data.Rand) {
	for i := range x {
		x[i] = d.constant
		if d.normal > 0 {
			x[i] += d.normal * r.Norm()
		}
		if d.uniform > 0 {
			x[i] += d.uniform * (2*r.Float64() - 1)
		}
	}
}

func initialiser(g *graph.Graph, v *graph.Value) distribution {
	shape := v.Type.Shape
	for _, n := range g.Nodes {
		if n.Origin != nil {
			break
		}
		for input, in := range n.In {
			if in != v {
				continue
			}
			switch n.Op.Type {
			case "BatchNormalization", "BatchNormTraining", "FusedBatchNorm", "LayerNormalization", "InstanceNormalization", "GroupNormalization", "RMSNormalization":
				if input == 1 {
					return distribution{constant: 1}
				}
				return distribution{}
			case "Gather":
				return distribution{normal: 0.02}
			case "Conv", "ConvTranspose":
				if input == 1 {
					return distribution{normal: math.Sqrt(2 / float64(max(shape[1:].Elems(), 1)))}
				}
				return distribution{}
			case "Gemm", "MatMul", "FusedMatMul":
				return distribution{uniform: 1 / math.Sqrt(float64(max(fanIn(n, input, shape), 1)))}
			}
		}
	}
	switch {
	case len(shape) >= 2 && shape[0] == 1:
		return distribution{normal: 0.02}
	case len(shape) >= 2:
		return distribution{uniform: 1 / math.Sqrt(float64(max(shape[len(shape)-1], 1)))}
	}
	return distribution{}
}

// fanIn is the length of the sums that a matrix takes part in.
func fanIn(n *graph.Node, input int, shape tensor.Shape) int {
	if len(shape) < 2 {
		return shape.Elems()
	}
	rows, cols := shape[len(shape)-2], shape[len(shape)-1]
	trans := n.Attrs.Bool(map[int]string{0: "transA", 1: "transB"}[input], false)
	if (input == 1) != trans {
		return rows
	}
	return cols
}
