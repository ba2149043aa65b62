package cpu

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Functions that models apply to few elements, computed one by one in float64.
func init() {
	for _, k := range []struct {
		name, typ string
		f         func(x float64) float64
	}{
		{"floor", "Floor", math.Floor}, {"ceil", "Ceil", math.Ceil}, {"round", "Round", math.RoundToEven},
		{"sin", "Sin", math.Sin}, {"cos", "Cos", math.Cos}, {"tan", "Tan", math.Tan},
		{"asin", "Asin", math.Asin}, {"acos", "Acos", math.Acos}, {"atan", "Atan", math.Atan},
		{"sinh", "Sinh", math.Sinh}, {"cosh", "Cosh", math.Cosh},
		{"asinh", "Asinh", math.Asinh}, {"acosh", "Acosh", math.Acosh}, {"atanh", "Atanh", math.Atanh},
	} {
		Register(mapKernel(k.name, onnx(k.typ), func(dst, x []float32) {
			x = x[:len(dst)]
			for i, v := range x {
				dst[i] = float32(k.f(float64(v)))
			}
		}))
	}
	registerPredicate("is_nan", "IsNaN", func(graph.Attrs) func(v float32) bool { return func(v float32) bool { return v != v } })
	registerPredicate("is_inf", "IsInf", func(a graph.Attrs) func(v float32) bool {
		above, below := a.Bool("detect_positive", true), a.Bool("detect_negative", true)
		return func(v float32) bool { return above && v > math.MaxFloat32 || below && v < -math.MaxFloat32 }
	})
}

// registerPredicate registers an operator that says something of each element.
func registerPredicate(name, typ string, holds func(a graph.Attrs) func(v float32) bool) {
	Register(Kernel{
		Name: name, Op: onnx(typ), When: func(n *graph.Node) bool { return n.In[0].Type.DType == tensor.Float32 },
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			x, y, f := in[0].F32(), tensor.Slice[bool](out[0]), holds(n.Attrs)
			body := func(_, lo, hi int) {
				for i, v := range x[lo:hi] {
					y[lo+i] = f(v)
				}
			}
			return func() error {
				s.Pool.For(len(y), chunk, body)
				return nil
			}, nil
		},
	})
}
