package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	Register(Kernel{
		Name: "cast", Op: onnx("Cast"), Half: func(*graph.Node) bool { return true },
		When: func(n *graph.Node) bool { return bindCast(n.In[0].Type.DType, n.Out[0].Type.DType) != nil },
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			return bindCast(in[0].DType, out[0].DType)(in[0], out[0], s), nil
		},
	})
}

type caster func(in, out *tensor.Tensor, s Scratch) func() error

// bindCast is the conversion between two element types, nil for pairs that the reference converts.
func bindCast(from, to tensor.DType) caster {
	switch {
	case from == to:
		return castCopy
	case from == tensor.Float32:
		return castFloats(to)
	case to == tensor.Float32:
		return castToFloats(from)
	}
	load, store := loader(from), storer(to)
	if load == nil || store == nil {
		return nil
	}
	return func(in, out *tensor.Tensor, s Scratch) func() error {
		x, y := load(in), store(out)
		body := func(_, lo, hi int) {
			for i := lo; i < hi; i++ {
				y(i, x(i))
			}
		}
		return func() error {
			s.Pool.For(in.Elems(), chunk, body)
			return nil
		}
	}
}

func castCopy(in, out *tensor.Tensor, s Scratch) func() error {
	x, y := in.Data, out.Data
	body := func(_, lo, hi int) { copy(y[lo:hi], x[lo:hi]) }
	return func() error {
		s.Pool.For(len(x), 4*chunk, body)
		return nil
	}
}

func castToFloats(from tensor.DType) caster {
	switch from {
	case tensor.Int64:
		return castWith(func(v int64) float32 { return float32(v) })
	case tensor.Int32:
		return castWith(func(v int32) float32 { return float32(v) })
	case tensor.Uint8:
		return castWith(func(v uint8) float32 { return float32(v) })
	case tensor.Float64:
		return castWith(func(v float64) float32 { return float32(v) })
	case tensor.Float16:
		return castWith(tensor.Half.Float32)
	case tensor.BFloat16Type:
		return castWith(tensor.BFloat16.Float32)
	case tensor.Bool:
		return castWith(func(v bool) float32 {
			if v {
				return 1
			}
			return 0
		})
	}
	return nil
}

func castFloats(to tensor.DType) caster {
	switch to {
	case tensor.Bool:
		return castWith(func(v float32) bool { return v != 0 })
	case tensor.Int64:
		return castWith(func(v float32) int64 { return clampInt(float64(v), -1<<63, 1<<63-1) })
	case tensor.Int32:
		return castWith(func(v float32) int32 { return int32(clampInt(float64(v), -1<<31, 1<<31-1)) })
	case tensor.Uint8:
		return castWith(func(v float32) uint8 { return uint8(clampInt(float64(v), 0, 1<<8-1)) })
	case tensor.Float64:
		return castWith(func(v float32) float64 { return float64(v) })
	case tensor.Float16:
		return castWith(tensor.ToHalf)
	case tensor.BFloat16Type:
		return castWith(tensor.ToBFloat16)
	}
	return nil
}

// clampInt truncates x to a range of integers, NaN to 0.
func clampInt(x float64, lo, hi int64) int64 {
	switch {
	case x != x:
		return 0
	case x >= float64(hi):
		return hi
	case x <= float64(lo):
		return lo
	}
	return int64(x)
}

// loader reads elements of integers and booleans.
func loader(from tensor.DType) func(t *tensor.Tensor) func(i int) int64 {
	switch from {
	case tensor.Int64:
		return loadInts[int64]
	case tensor.Int32:
		return loadInts[int32]
	case tensor.Int16:
		return loadInts[int16]
	case tensor.Int8:
		return loadInts[int8]
	case tensor.Uint8, tensor.Bool:
		return func(t *tensor.Tensor) func(i int) int64 {
			x := t.Data
			return func(i int) int64 { return int64(x[i]) }
		}
	case tensor.Uint16:
		return loadInts[uint16]
	case tensor.Uint32:
		return loadInts[uint32]
	}
	return nil
}

func loadInts[T int64 | int32 | int16 | int8 | uint16 | uint32](t *tensor.Tensor) func(i int) int64 {
	x := tensor.Slice[T](t)
	return func(i int) int64 { return int64(x[i]) }
}

// storer writes elements of integers, which wrap, of float64 and booleans.
func storer(to tensor.DType) func(t *tensor.Tensor) func(i int, v int64) {
	switch to {
	case tensor.Int64:
		return storeInts[int64]
	case tensor.Int32:
		return storeInts[int32]
	case tensor.Int16:
		return storeInts[int16]
	case tensor.Int8:
		return storeInts[int8]
	case tensor.Uint8:
		return storeInts[uint8]
	case tensor.Uint16:
		return storeInts[uint16]
	case tensor.Uint32:
		return storeInts[uint32]
	case tensor.Uint64:
		return storeInts[uint64]
	case tensor.Float64:
		return storeInts[float64]
	case tensor.Bool:
		return func(t *tensor.Tensor) func(i int, v int64) {
			y := tensor.Slice[bool](t)
			return func(i int, v int64) { y[i] = v != 0 }
		}
	}
	return nil
}

func storeInts[T int64 | int32 | int16 | int8 | uint8 | uint16 | uint32 | uint64 | float64](t *tensor.Tensor) func(i int, v int64) {
	y := tensor.Slice[T](t)
	return func(i int, v int64) { y[i] = T(v) }
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
