package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func attentionSamples(since int) []op.Sample {
	apart, packed := attentionInputs(2, 2, 2, 3, 4), packedAttentionInputs(2, 4, 2, 3, 4)
	pasts := []*tensor.Tensor{op.Normalish(8, 2, 2, 2, 4), op.Normalish(9, 2, 2, 2, 5)}
	mask := tensor.Of(tensor.Shape{3, 4}, true, true, false, true, false, false, false, false, true, false, true, true)
	of := func(name string, outs int, attrs []any, in []*tensor.Tensor, more ...*tensor.Tensor) op.Sample {
		return op.Sample{Name: name, Attrs: graph.MakeAttrs(attrs...), In: append(in[:len(in):len(in)], more...), Outs: outs}
	}
	heads := []any{"q_num_heads", 4, "kv_num_heads", 2}
	plus := func(more ...any) []any { return append(heads[:len(heads):len(heads)], more...) }
	all := []op.Sample{
		valuedAttention(),
		of("causal", 1, []any{"is_causal", 1}, apart),
		of("packed heads, grouped", 1, heads, packed),
		of("softcap and scale", 1, []any{"softcap", 0.75, "scale", 0.5}, apart),
		of("bool mask with a barred row", 1, nil, apart, mask),
		of("mask of numbers", 1, heads, packed, op.Normalish(7, 4, 1, 4)),
		of("mask per sample, shorter than the keys", 1, nil, apart, op.Normalish(7, 2, 1, 3, 3)),
		of("past", 3, plus("is_causal", 1), packed, nil, pasts[0], pasts[1]),
		of("past of separate heads", 3, nil, apart, nil, pasts[0], pasts[1]),
		of("past, results only", 1, nil, apart, nil, pasts[0], pasts[1]),
		of("products", 4, []any{"softcap", 2.0}, apart),
		of("products after softcap", 4, []any{"softcap", 2.0, "qk_matmul_output_mode", 1}, apart),
		of("products with mask", 4, []any{"qk_matmul_output_mode", 2}, apart, op.Normalish(7, 3, 4)),
		of("weights", 4, plus("qk_matmul_output_mode", 3, "is_causal", 1), packed),
	}
	if since >= 24 {
		count := ints(3, 1)
		all = append(all,
			of("valid keys", 1, nil, apart, nil, nil, nil, count),
			of("valid keys, causal", 4, plus("is_causal", 1, "qk_matmul_output_mode", 3), packed, nil, nil, nil, count))
	}
	if since >= 25 {
		all = append(all,
			of("window", 1, []any{"left_window_size", 1, "right_window_size", 0}, apart),
			of("window behind a past", 1, plus("left_window_size", 2), packed, nil, pasts[0], pasts[1]))
	}
	return all
}

// valuedAttention is a query that looks at two keys with odds of 3 to 1.
func valuedAttention() op.Sample {
	odds := float32(math.Log(3))
	return op.Sample{Name: "values", Attrs: graph.MakeAttrs("scale", 1.0), Outs: 4,
		In: []*tensor.Tensor{floats32([]int{1, 1, 1, 1}, 1), floats32([]int{1, 1, 2, 1}, odds, 0),
			floats32([]int{1, 1, 2, 2}, 4, 0, 0, 8)},
		Want: []*tensor.Tensor{floats32([]int{1, 1, 1, 2}, 3, 2), floats32([]int{1, 1, 2, 1}, odds, 0),
			floats32([]int{1, 1, 2, 2}, 4, 0, 0, 8), floats32([]int{1, 1, 1, 2}, odds, 0)}}
}

// attentionInputs are queries, one less than keys, keys and values, whose heads are larger by one.
func attentionInputs(batch, heads, kvHeads, queries, size int) []*tensor.Tensor {
	return []*tensor.Tensor{
		op.Normalish(1, batch, heads, queries, size),
		op.Normalish(2, batch, kvHeads, queries+1, size),
		op.Normalish(3, batch, kvHeads, queries+1, size+1),
	}
}

// packedAttentionInputs are the same in 3-D.
func packedAttentionInputs(batch, heads, kvHeads, queries, size int) []*tensor.Tensor {
	return []*tensor.Tensor{
		op.Normalish(1, batch, queries, heads*size),
		op.Normalish(2, batch, queries+1, kvHeads*size),
		op.Normalish(3, batch, queries+1, kvHeads*(size+1)),
	}
}

func attentionGradSamples() []op.Sample {
	in := append(attentionInputs(2, 4, 2, 3, 4), op.Normalish(4, 3, 4), nil,
		op.Normalish(5, 2, 4, 3, 5), op.Normalish(6, 2, 4, 3, 4))
	packed := append(packedAttentionInputs(2, 4, 2, 3, 4), nil, ints(4, 2), op.Normalish(5, 2, 3, 20))
	return []op.Sample{
		valuedAttentionGrad(),
		{Name: "mask", Attrs: graph.MakeAttrs("qk_matmul_output_mode", 1, "softcap", 2.0), In: in, Outs: 4},
		{Name: "packed", Attrs: graph.MakeAttrs("q_num_heads", 4, "kv_num_heads", 2, "is_causal", 1), In: packed, Outs: 3},
	}
}

// valuedAttentionGrad follows valuedAttention: weights of 3/4 and 1/4, whose gradients 4 and 8 have the mean 5.
func valuedAttentionGrad() op.Sample {
	s := valuedAttention()
	odds := s.In[1].F32()[0]
	s.In = append(s.In, nil, nil, floats32([]int{1, 1, 1, 2}, 1, 1))
	s.Want = []*tensor.Tensor{floats32([]int{1, 1, 1, 1}, -0.75*odds), floats32([]int{1, 1, 2, 1}, -0.75, 0.75),
		floats32([]int{1, 1, 2, 2}, 0.75, 0.75, 0.25, 0.25)}
	s.Outs = 3
	return s
}
