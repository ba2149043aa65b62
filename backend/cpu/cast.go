package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	Register(Kernel{
		Name: "cast", Op: onnx("Cast"),
		When: func(n *graph.Node) bool { return bindCast(n.In[0].Type.DType, n.Out[0].Type.DType) != nil },
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			return bindCast(in[0].DType, out[0].DType)(in[0], out[0], s), nil
		},
	})
}

type caster func(in, out *tensor.Tensor, s Scratch) func() error

// bindCast is the conversion between two element types, nil for pairs that the reference converts.
func bindCast(from, to tensor.DType) caster {
	switch [2]tensor.DType{from, to} {
	case [2]tensor.DType{tensor.Int64, tensor.Float32}:
		return castWith(func(v int64) float32 { return float32(v) })
	case [2]tensor.DType{tensor.Int32, tensor.Float32}:
		return castWith(func(v int32) float32 { return float32(v) })
	case [2]tensor.DType{tensor.Bool, tensor.Float32}:
		return castWith(func(v bool) float32 {
			if v {
				return 1
			}
			return 0
		})
	case [2]tensor.DType{tensor.Float32, tensor.Bool}:
		return castWith(func(v float32) bool { return v != 0 })
	case [2]tensor.DType{tensor.Int64, tensor.Bool}:
		return castWith(func(v int64) bool { return v != 0 })
	case [2]tensor.DType{tensor.Float32, tensor.Int64}:
		return castWith(func(v float32) int64 { return int64(v) })
	case [2]tensor.DType{tensor.Int32, tensor.Int64}:
		return castWith(func(v int32) int64 { return int64(v) })
	case [2]tensor.DType{tensor.Float32, tensor.Float32}:
		return castWith(func(v float32) float32 { return v })
	}
	return nil
}

func castWith[S, D tensor.Element](f func(S) D) caster {
	return func(in, out *tensor.Tensor, s Scratch) func() error {
		x, y := tensor.Slice[S](in), tensor.Slice[D](out)
		body := func(_, lo, hi int) {
			for i, v := range x[lo:hi] {
				y[lo+i] = f(v)
			}
		}
		return func() error {
			s.Pool.For(len(x), chunk, body)
			return nil
		}
	}
}
