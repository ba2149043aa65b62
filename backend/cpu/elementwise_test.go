package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func more(domain, typ, name string, attrs graph.Attrs, in ...*tensor.Tensor) *largerCall {
	larger = append(larger, largerCall{domain: domain, typ: typ, Sample: op.Sample{Name: name, Attrs: attrs, In: in}})
	return &larger[len(larger)-1]
}

func normal(seed uint64, shape ...int) *tensor.Tensor { return op.Normalish(seed, shape...) }

func ints(seed uint64, below int, shape ...int) *tensor.Tensor {
	t := tensor.New(tensor.Int64, shape...)
	for i, v := range op.Uniform(seed, 0, float64(below), shape...).F32() {
		t.I64()[i] = min(int64(v), int64(below-1))
	}
	return t
}

func bools(seed uint64, shape ...int) *tensor.Tensor {
	t := tensor.New(tensor.Bool, shape...)
	for i, v := range normal(seed, shape...).F32() {
		tensor.Slice[bool](t)[i] = v > 0
	}
	return t
}

func init() {
	broadcasts := []struct {
		name string
		a, b []int
	}{
		{"same shape", []int{3, 65, 130}, []int{3, 65, 130}},
		{"row vector", []int{3, 65, 130}, []int{130}},
		{"column", []int{3, 65, 130}, []int{65, 1}},
		{"number", []int{3, 65, 130}, []int{}},
		{"number first", []int{1}, []int{3, 65, 130}},
		{"channels", []int{4, 16, 33, 17}, []int{1, 16, 1, 1}},
		{"leading", []int{5, 1, 1}, []int{5, 61, 70}},
		{"each other", []int{3, 1, 130, 1}, []int{65, 1, 7}},
		{"one by one", []int{1, 1}, []int{1}},
	}
	for _, c := range broadcasts {
		for _, typ := range []string{"Add", "Sub", "Mul", "Div", "Max", "Min"} {
			b := op.Uniform(2, 0.5, 2, c.b...)
			more("", typ, c.name, nil, normal(1, c.a...), b)
		}
		more("", "Pow", c.name, nil, op.Uniform(1, 0.5, 2, c.a...), normal(2, c.b...))
		more("", "Where", c.name, nil, bools(3, c.a...), normal(1, c.b...), normal(2, c.a...))
		more("", "Greater", c.name, nil, normal(1, c.a...), normal(2, c.b...))
	}
	for _, typ := range []string{"Neg", "Exp", "Tanh", "Sigmoid", "Erf", "Relu", "Abs", "Clip"} {
		more("", typ, "two chunks", nil, normal(1, 17, 1001))
	}
	for _, typ := range []string{"Sqrt", "Log", "Reciprocal"} {
		more("", typ, "two chunks", nil, op.Uniform(1, 0.1, 3, 17, 1001))
	}
	for _, typ := range []string{"ReluGrad", "SigmoidGrad", "TanhGrad", "ClipGrad"} {
		more(op.Internal, typ, "two chunks", nil, normal(1, 17, 1001), op.Uniform(2, -1, 1, 17, 1001))
	}
	for _, kind := range []string{"none", "tanh"} {
		attrs := graph.MakeAttrs("approximate", kind)
		more("", "Gelu", kind+", two chunks", attrs, op.Uniform(1, -6, 6, 17, 1001)).opset = 20
		more(op.Internal, "GeluGrad", kind+", two chunks", attrs, normal(1, 17, 1001), op.Uniform(2, -6, 6, 17, 1001))
	}
	for _, exponent := range []float32{2, 3, 0.5, -1, 1.7} {
		more("", "Pow", "constant", nil, op.Uniform(1, 0.5, 2, 17, 1001), tensor.Scalar(exponent)).Const = []int{1}
	}
	more("", "Sum", "three", nil, normal(1, 17, 1001), normal(2, 17, 1001), normal(3, 17, 1001))
}
