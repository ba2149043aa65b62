package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	for _, typ := range []string{"Floor", "Ceil", "Round", "Sin", "Cos", "Tan", "Atan", "Asinh", "IsNaN", "IsInf"} {
		more("", typ, "two chunks", nil, op.Uniform(1, -9, 9, 17, 1001))
	}
	for _, typ := range []string{"Asin", "Acos", "Atanh", "Sinh", "Cosh"} {
		more("", typ, "two chunks", nil, op.Uniform(1, -0.9, 0.9, 17, 1001))
	}
	more("", "Acosh", "two chunks", nil, op.Uniform(1, 1.1, 9, 17, 1001))

	pairsOfShapes := [][2][]int{{{3, 65, 130}, {3, 65, 130}}, {{3, 65, 130}, {130}}, {{65, 1}, {3, 65, 130}}, {{1}, {3, 65, 130}}, {{3, 1, 130, 1}, {65, 1, 7}}}
	for _, c := range pairsOfShapes {
		a, b := ints(1, 100, c[0]...), ints(2, 100, c[1]...)
		for i := range b.I64() {
			b.I64()[i] = 2*b.I64()[i] - 101 // odd, so never 0
		}
		for _, typ := range []string{"Add", "Sub", "Mul", "Div", "Max", "Min", "Mod", "Equal", "Less", "GreaterOrEqual"} {
			more("", typ, "int64", nil, a, b)
			if typ != "Max" && typ != "Min" {
				more("", typ, "int32", nil, int32s(a), int32s(b))
			}
		}
		more("", "Mod", "int64, truncated", graph.MakeAttrs("fmod", 1), a, b)
		for _, typ := range []string{"And", "Or", "Xor", "Equal"} {
			more("", typ, "booleans", nil, bools(1, c[0]...), bools(2, c[1]...))
		}
		for _, typ := range []string{"Add", "Sub", "Mul", "Div", "Less", "Equal"} {
			more("", typ, "float64", nil, doubles(normal(1, c[0]...)), doubles(op.Uniform(2, 0.5, 2, c[1]...)))
		}
		for _, typ := range []string{"Equal", "LessOrEqual", "Greater"} {
			more("", typ, "floats", nil, op.Normalish(1, c[0]...), op.Normalish(2, c[1]...))
		}
		more("", "Where", "int64", nil, bools(3, c[0]...), a, b)
		more("", "Where", "condition broadcasts", nil, bools(3, c[1]...), bools(1, c[0]...), bools(2, c[0]...))
		for _, typ := range []string{"Sum", "Mean", "Max", "Min"} {
			more("", typ, "three that broadcast", nil, normal(1, c[0]...), normal(2, c[1]...), normal(3, 1))
		}
	}
	more("", "Not", "two chunks", nil, bools(1, 17, 5001))
	more("", "Mean", "three", nil, normal(1, 17, 1001), normal(2, 17, 1001), normal(3, 17, 1001))
}

func int32s(t *tensor.Tensor) *tensor.Tensor {
	out := tensor.New(tensor.Int32, t.Shape...)
	out.SetInt64s(t.Int64s())
	return out
}

func doubles(t *tensor.Tensor) *tensor.Tensor {
	out := tensor.New(tensor.Float64, t.Shape...)
	out.SetFloat64s(t.Float64s())
	return out
}
