package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// The three products of training in bf16: activations by weights with a bias, a gradient by transposed weights, and the
// gradient of weights, which is float32 and a long sum.
func init() {
	wide := func(seed uint64, shape ...int) *tensor.Tensor { return exactInHalf(tensor.Float32, seed, shape...) }
	half := func(seed uint64, shape ...int) *tensor.Tensor {
		return exactInHalf(tensor.BFloat16Type, seed, shape...)
	}
	larger = append(larger,
		largerCall{typ: "Gemm", Sample: op.Sample{Name: "bf16 with a bias", Attrs: graph.MakeAttrs("transB", 1), In: []*tensor.Tensor{half(1, 70, 90), wide(2, 130, 90), wide(3, 130)}}, out: tensor.BFloat16Type},
		largerCall{typ: "MatMul", Sample: op.Sample{Name: "bf16 batched", In: []*tensor.Tensor{half(4, 3, 2, 33, 65), half(5, 3, 2, 65, 47)}}, out: tensor.BFloat16Type},
		largerCall{typ: "MatMul", Sample: op.Sample{Name: "logits of bf16", In: []*tensor.Tensor{half(6, 40, 64), wide(7, 64, 10)}}, out: tensor.Float32},
		largerCall{domain: op.Internal, typ: "FusedMatMul", Sample: op.Sample{Name: "bf16 by transposed weights", Attrs: graph.MakeAttrs("transB", 1), In: []*tensor.Tensor{half(8, 2, 50, 96), wide(9, 64, 96)}}, out: tensor.BFloat16Type},
		largerCall{domain: op.Internal, typ: "FusedMatMul", Sample: op.Sample{Name: "gradient of weights in bf16", Attrs: graph.MakeAttrs("transA", 1), In: []*tensor.Tensor{half(10, 5000, 33), half(11, 5000, 40)}}, out: tensor.Float32},
	)
}

// exactInHalf are random numbers that bf16 holds exactly.
func exactInHalf(dt tensor.DType, seed uint64, shape ...int) *tensor.Tensor {
	half := tensor.New(tensor.BFloat16Type, shape...)
	half.SetFloat64s(op.Normalish(seed, shape...).Float64s())
	t := tensor.New(dt, shape...)
	t.SetFloat64s(half.Float64s())
	return t
}
