package cpu

import (
	"cmp"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	registerCompare("equal", "Equal")
	registerCompare("less", "Less")
	registerCompare("less_or_equal", "LessOrEqual")
	registerCompare("greater", "Greater")
	registerCompare("greater_or_equal", "GreaterOrEqual")
}

func registerCompare(name, typ string) {
	Register(Kernel{
		Name: name, Op: onnx(typ),
		When: func(n *graph.Node) bool { return comparer(n.In[0].Type.DType, typ) != nil && smallRank(n) },
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			return comparer(in[0].DType, typ)(in[0], in[1], out[0], s), nil
		},
	})
}

// pairBinder binds a function of two tensors that broadcast.
type pairBinder func(a, b, y *tensor.Tensor, s Scratch) func() error

// comparer compares elements of a type, nil for types that the reference compares.
func comparer(dt tensor.DType, typ string) pairBinder {
	switch dt {
	case tensor.Float32:
		return compareOf[float32](typ)
	case tensor.Float64:
		return compareOf[float64](typ)
	case tensor.Int64:
		return compareOf[int64](typ)
	case tensor.Int32:
		return compareOf[int32](typ)
	case tensor.Int8:
		return compareOf[int8](typ)
	case tensor.Uint8:
		return compareOf[uint8](typ)
	case tensor.Bool:
		if typ == "Equal" {
			return pairs(func(y, a, b []bool, aStep, bStep int) {
				for i := range y {
					y[i] = a[i*aStep] == b[i*bStep]
				}
			})
		}
	}
	return nil
}

func compareOf[T interface {
	cmp.Ordered
	tensor.Element
}](typ string) pairBinder {
	switch typ {
	case "Equal":
		return pairs(func(y []bool, a, b []T, aStep, bStep int) {
			for i := range y {
				y[i] = a[i*aStep] == b[i*bStep]
			}
		})
	case "Less":
		return pairs(less[T])
	case "LessOrEqual":
		return pairs(notAbove[T])
	case "Greater":
		return pairs(func(y []bool, a, b []T, aStep, bStep int) { less(y, b, a, bStep, aStep) })
	default:
		return pairs(func(y []bool, a, b []T, aStep, bStep int) { notAbove(y, b, a, bStep, aStep) })
	}
}

func less[T cmp.Ordered](y []bool, a, b []T, aStep, bStep int) {
	for i := range y {
		y[i] = a[i*aStep] < b[i*bStep]
	}
}

func notAbove[T cmp.Ordered](y []bool, a, b []T, aStep, bStep int) {
	for i := range y {
		y[i] = a[i*aStep] <= b[i*bStep]
	}
}

// pairs binds a loop over runs of two operands, which advance by steps of 1, or of 0 where one element serves for all.
func pairs[T, R tensor.Element](loop func(y []R, a, b []T, aStep, bStep int)) pairBinder {
	return func(ta, tb, ty *tensor.Tensor, s Scratch) func() error {
		a, b, y := tensor.Slice[T](ta), tensor.Slice[T](tb), tensor.Slice[R](ty)
		loops := broadcastNest(ty.Shape, ta.Shape, tb.Shape)
		aStep, bStep := loops.inner(1), loops.inner(2)
		run := func(at offsets, n int) { loop(y[at[0]:at[0]+n], a[at[1]:], b[at[2]:], aStep, bStep) }
		body := func(_, lo, hi int) { loops.runs(lo, hi, run) }
		return func() error {
			s.Pool.For(loops.total, chunk, body)
			return nil
		}
	}
}
