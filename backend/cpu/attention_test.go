package cpu

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Calls of several blocks of queries, whole and not, that see different numbers of keys.
func init() {
	causal := tensor.New(tensor.Float32, 1, 1, 150, 150)
	for i, row := 0, causal.F32(); i < 150; i++ {
		for j := i + 1; j < 150; j++ {
			row[i*150+j] = float32(math.Inf(-1))
		}
	}
	padding := tensor.New(tensor.Float32, 2, 1, 1, 67)
	for j := 40; j < 67; j++ {
		padding.F32()[67+j] = -math.MaxFloat32
	}
	rng := tensor.Vector[int64](11, 12)
	scale, drop := graph.MakeAttrs("scale", 0.2), graph.MakeAttrs("scale", 0.2, "ratio", 0.1, "key", 3)
	for _, c := range []struct {
		name          string
		attrs         graph.Attrs
		queries, keys int
		mask, rng     *tensor.Tensor
	}{
		{"two blocks", scale, 150, 67, nil, nil},
		{"two blocks, dropout", drop, 150, 67, nil, rng},
		{"padding", drop, 65, 67, padding, rng},
		{"causal", scale, 150, 150, causal, nil},
		{"causal, dropout", drop, 150, 150, causal, rng},
	} {
		in := []*tensor.Tensor{normal(1, 2, c.queries, 3, 20), normal(2, 2, c.keys, 3, 20), normal(3, 2, c.keys, 3, 24), c.mask, c.rng}
		call := more(op.Internal, "FusedAttention", c.name, c.attrs, in...)
		call.Const = []int{3}
		dy := normal(4, 2, c.queries, 3, 24)
		call = more(op.Internal, "FusedAttentionGrad", c.name, c.attrs, append([]*tensor.Tensor{dy}, in...)...)
		call.Const, call.Outs = []int{4}, 3
	}
	qkv := []*tensor.Tensor{normal(5, 2, 150, 3, 3, 20), nil, nil, causal, rng}
	more(op.Internal, "FusedAttention", "packed", drop.With("packed", 1), qkv...).Const = []int{3}
	call := more(op.Internal, "FusedAttentionGrad", "packed", drop.With("packed", 1), append([]*tensor.Tensor{normal(6, 2, 150, 3, 20)}, qkv...)...)
	call.Const = []int{4}

	half := func(seed uint64, shape ...int) *tensor.Tensor {
		return exactInHalf(tensor.BFloat16Type, seed, shape...)
	}
	in := []*tensor.Tensor{half(7, 2, 150, 3, 40), half(8, 2, 67, 3, 40), half(9, 2, 67, 3, 24)}
	call = more(op.Internal, "FusedAttention", "bf16", scale, in...)
	call.out = tensor.BFloat16Type
	call = more(op.Internal, "FusedAttentionGrad", "bf16", scale, append([]*tensor.Tensor{half(10, 2, 150, 3, 24)}, in...)...)
	call.out, call.Outs = tensor.BFloat16Type, 3
}
