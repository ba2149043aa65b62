package bench

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/ops"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// FLOPs counts the multiplications and additions of matrix products, convolutions, attention and recurrent layers, and of
// their gradients; 0 for other nodes, whose time is not that of arithmetic. What a gradient computes a second time, such
// as attention's scores, is not counted. The node must be inferred.
func FLOPs(n *graph.Node) float64 {
	count := counters[n.Op.Type]
	if count == nil {
		return 0
	}
	return count(n)
}

// counters are by operator type; the domains agree where they share one.
var counters = map[string]func(n *graph.Node) float64{
	"MatMul":        func(n *graph.Node) float64 { return product(n, false) },
	"MatMulInteger": func(n *graph.Node) float64 { return product(n, false) },
	"QLinearMatMul": func(n *graph.Node) float64 { return product(n, false) },
	"FusedMatMul":   func(n *graph.Node) float64 { return product(n, n.Attrs.Bool("transA", false)) },
	"Gemm":          func(n *graph.Node) float64 { return product(n, n.Attrs.Bool("transA", false)) },

	// Every output element of a convolution is a sum over a filter; every input element of a transposed one adds to as
	// many output elements as its filters have.
	"Conv":           func(n *graph.Node) float64 { return 2 * elems(n.Out[0]) * filter(n.In[1].Type.Shape) },
	"ConvInteger":    func(n *graph.Node) float64 { return 2 * elems(n.Out[0]) * filter(n.In[1].Type.Shape) },
	"QLinearConv":    func(n *graph.Node) float64 { return 2 * elems(n.Out[0]) * filter(n.In[3].Type.Shape) },
	"ConvTranspose":  func(n *graph.Node) float64 { return 2 * elems(n.In[0]) * filter(n.In[1].Type.Shape) },
	"ConvGradInput":  func(n *graph.Node) float64 { return 2 * elems(n.In[0]) * filter(n.In[1].Type.Shape) },
	"ConvGradWeight": func(n *graph.Node) float64 { return 2 * elems(n.In[0]) * filter(n.Out[0].Type.Shape) },
	"DeformConv":     func(n *graph.Node) float64 { return 2 * elems(n.Out[0]) * filter(n.In[1].Type.Shape) },
	"DeformConvGrad": func(n *graph.Node) float64 { return 4 * elems(n.In[3]) * filter(n.In[1].Type.Shape) },

	"Attention":          attention,
	"AttentionGrad":      attentionGrad,
	"FusedAttention":     func(n *graph.Node) float64 { return fusedAttention(n, 0, n.Out[0]) },
	"FusedAttentionGrad": func(n *graph.Node) float64 { return 2 * fusedAttention(n, 1, n.In[0]) },
	"Einsum":             einsum,

	"LSTM": recurrent, "GRU": recurrent, "RNN": recurrent,
	"LSTMGrad": recurrentGrad, "GRUGrad": recurrentGrad, "RNNGrad": recurrentGrad,
}

func elems(v *graph.Value) float64 {
	if v == nil {
		return 0
	}
	return float64(v.Type.Shape.Elems())
}

func filter(w tensor.Shape) float64 { return float64(w[1:].Elems()) }

// product is the cost of a matrix product, whose output elements are sums over an axis of the first input.
func product(n *graph.Node, transposed bool) float64 {
	shape := n.In[0].Type.Shape
	axis := len(shape) - 1
	if transposed && axis > 0 {
		axis--
	}
	return 2 * elems(n.Out[0]) * float64(shape[axis])
}

// attention is the cost of the scores and of the weighted values: every element of a query and of a result meets as many
// keys.
func attention(n *graph.Node) float64 {
	shape := n.In[1].Type.Shape
	keys := shape[len(shape)-2]
	if past := n.Input(4); past != nil {
		keys += past.Type.Shape[2]
	}
	return 2 * float64(keys) * (elems(n.In[0]) + elems(n.Out[0]))
}

// attentionGrad is the cost of the gradients of scores, weights, queries, keys and values.
func attentionGrad(n *graph.Node) float64 {
	keys, result := n.In[1].Type.Shape, n.Input(5)
	if result == nil {
		result = n.In[0]
	}
	return 4 * float64(keys[len(keys)-2]) * (elems(n.In[0]) + elems(result))
}

// fusedAttention is the cost of the scores and of the weighted values y, for queries in input q.
func fusedAttention(n *graph.Node, q int, y *graph.Value) float64 {
	if n.Attrs.Bool("packed", false) {
		return 4 * float64(n.In[q].Type.Shape[1]) * elems(y)
	}
	return 2 * float64(n.In[q+1].Type.Shape[1]) * (elems(n.In[q]) + elems(y))
}

// einsum is the cost of multiplying operands element by element over all labels, and of adding the products up.
func einsum(n *graph.Node) float64 {
	e, err := ops.EinsumOf(n)
	if err != nil || len(n.In) < 2 {
		return 0
	}
	return float64(len(n.In)) * float64(tensor.Shape(e.Size).Elems())
}

// recurrent is the cost of the products of inputs and states with W and R at every step.
func recurrent(n *graph.Node) float64 {
	r, err := ops.RecurrenceOf(n)
	if err != nil {
		return 0
	}
	return 2 * float64(r.Steps*r.Batch) * (elems(n.In[1]) + elems(n.In[2]))
}

// recurrentGrad is the cost of the gradients of states, which every step has, and of the X, W and R that are asked for.
func recurrentGrad(n *graph.Node) float64 {
	r, err := ops.RecurrenceOf(n)
	if err != nil {
		return 0
	}
	w, state := elems(n.In[1]), elems(n.In[2])
	terms := state
	for i, cost := range []float64{w, w, state} {
		if n.Output(i) != nil {
			terms += cost
		}
	}
	return 2 * float64(r.Steps*r.Batch) * terms
}
