package ops

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// FusedAttentionGrad is the gradients of Q, K and V of a FusedAttention from that of its result, which is the first input;
// the others and the attributes are those of the FusedAttention. Where those are packed, so are the gradients.
func init() {
	op.Register(op.Def{
		Domain: op.Internal, Type: "FusedAttentionGrad", Since: 1,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 2, 6); err != nil {
				return err
			}
			if err := sameType(n, floats, 0, 1); err != nil {
				return err
			}
			f, err := fusedAttentionOf(n, 1)
			if err != nil {
				return err
			}
			if got := shapeOf(n, 0); !got.Equal(f.y) {
				return fmt.Errorf("input 0, %q, has shape %v, want %v", n.In[0].Name, got, f.y)
			}
			for i := range n.Out {
				if err := set(n, i, typeOf(n, 0), shapeOf(n, i+1)); err != nil {
					return err
				}
			}
			return nil
		},
		Eval:    evalFusedAttentionGrad,
		Random:  true,
		Samples: fusedAttentionGradSamples,
	})
}

func evalFusedAttentionGrad(n *graph.Node, in, out []*tensor.Tensor) error {
	f, err := fusedAttentionOf(n, 1)
	if err != nil {
		return err
	}
	dy, d := in[0].Float64s(), f.data(in[1], optional(in, 2), optional(in, 3), optional(in, 4), optional(in, 5))
	dq, dk, dv := make([]float64, len(d.q)), make([]float64, len(d.k)), make([]float64, len(d.v))
	scores := make([]float64, f.keys)
	f.eachRow(&d, func(weights, factors []float64, b, h, i int) {
		query := (b*f.queries+i)*f.heads + h
		from, mean := dy[query*f.width:][:f.width], 0.0
		for j, p := range weights {
			at := ((b*f.keys+j)*f.heads + h) * f.width
			scores[j] = 0
			for x, g := range from {
				scores[j] += g * d.v[at+x] * factors[j]
				dv[at+x] += g * p * factors[j]
			}
			mean += p * scores[j]
		}
		for j, p := range weights {
			g := f.scale * p * (scores[j] - mean)
			at := ((b*f.keys+j)*f.heads + h) * f.size
			for x := range f.size {
				dq[query*f.size+x] += g * d.k[at+x]
				dk[at+x] += g * d.q[query*f.size+x]
			}
		}
	})
	if f.packed {
		out[0].SetFloat64s(f.pack(dq, dk, dv))
		return nil
	}
	for i, v := range [][]float64{dq, dk, dv} {
		if optional(out, i) != nil {
			out[i].SetFloat64s(v)
		}
	}
	return nil
}

// causalMask bars the keys behind the query.
func causalMask(n int) *tensor.Tensor {
	t := tensor.New(tensor.Float32, n, n)
	for i, row := 0, t.F32(); i < n; i++ {
		for j := i + 1; j < n; j++ {
			row[i*n+j] = float32(math.Inf(-1))
		}
	}
	return t
}

func fusedAttentionSamples() []op.Sample {
	of := func(name string, attrs graph.Attrs, q, k, v tensor.Shape, more ...*tensor.Tensor) op.Sample {
		in := []*tensor.Tensor{op.Normalish(1, q...), op.Normalish(2, k...), op.Normalish(3, v...)}
		return op.Sample{Name: name, Attrs: attrs, In: append(in, more...)}
	}
	half := graph.MakeAttrs("scale", 0.5)
	drop := graph.MakeAttrs("scale", 0.5, "ratio", 0.3, "key", 4)
	square := tensor.Shape{2, 5, 3, 4}
	padded := floats32([]int{2, 1, 1, 5}, 0, 0, 0, 0, 0, 0, 0, 0, -3.4e38, -3.4e38)
	none := floats32([]int{2, 2}, float32(math.Inf(-1)), float32(math.Inf(-1)), 0, 1)
	causal := of("causal", half, square, square, square, causalMask(5))
	causal.Const = []int{3}
	packed := func(name string, attrs graph.Attrs, more ...*tensor.Tensor) op.Sample {
		in := []*tensor.Tensor{op.Normalish(1, 2, 5, 3, 2, 4), nil, nil}
		return op.Sample{Name: name, Attrs: attrs.With("packed", 1), In: append(in, more...)}
	}
	return []op.Sample{
		packed("packed", half),
		packed("packed, causal dropout", drop, causalMask(5), ints(7, 3)),
		of("plain", half, square, square, square),
		of("fewer queries, wider values", half, tensor.Shape{1, 2, 2, 3}, tensor.Shape{1, 4, 2, 3}, tensor.Shape{1, 4, 2, 5}),
		of("padding", half, square, square, square, padded),
		causal,
		of("no key at all", half, tensor.Shape{1, 2, 1, 3}, tensor.Shape{1, 2, 1, 3}, tensor.Shape{1, 2, 1, 3}, none),
		of("dropout", drop, square, square, square, nil, ints(7, 3)),
		of("causal dropout", drop, square, square, square, causalMask(5), ints(7, 3)),
	}
}

func fusedAttentionGradSamples() []op.Sample {
	all := fusedAttentionSamples()
	for i, s := range all {
		q, v := s.In[0].Shape, s.In[2]
		dy := op.Normalish(9, q[0], q[1], q[len(q)-2], q[len(q)-1])
		s.Outs = 1
		if v != nil {
			dy, s.Outs = op.Normalish(9, q[0], q[1], q[2], v.Shape[3]), 3
		}
		s.In = append([]*tensor.Tensor{dy}, s.In...)
		for k := range s.Const {
			s.Const[k]++
		}
		all[i] = s
	}
	return all
}
