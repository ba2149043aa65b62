package cpu

import (
	"errors"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// exact is the arithmetic of element types other than float32, in their own width, in which integers wrap.
type exact interface {
	int64 | int32 | int16 | int8 | uint8 | uint16 | uint32 | float64
}

func init() {
	for _, k := range []struct{ name, typ string }{
		{"add/exact", "Add"}, {"sub/exact", "Sub"}, {"mul/exact", "Mul"}, {"div/exact", "Div"}, {"max/exact", "Max"}, {"min/exact", "Min"},
		{"mod/exact", "Mod"},
	} {
		Register(Kernel{
			Name: k.name, Op: onnx(k.typ), InPlace: []int{0, 1},
			When: func(n *graph.Node) bool {
				return len(n.In) == 2 && smallRank(n) && exactBinder(n.In[0].Type.DType, k.typ, n.Attrs.Bool("fmod", false)) != nil
			},
			Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
				return exactBinder(in[0].DType, k.typ, n.Attrs.Bool("fmod", false))(in[0], in[1], out[0], s), nil
			},
		})
	}
}

// exactBinder binds arithmetic on an element type, nil where the reference computes it.
func exactBinder(dt tensor.DType, typ string, truncated bool) pairBinder {
	switch dt {
	case tensor.Int64:
		return integerOf[int64](typ, truncated)
	case tensor.Int32:
		return integerOf[int32](typ, truncated)
	case tensor.Int16:
		return integerOf[int16](typ, truncated)
	case tensor.Int8:
		return integerOf[int8](typ, truncated)
	case tensor.Uint8:
		return integerOf[uint8](typ, truncated)
	case tensor.Uint16:
		return integerOf[uint16](typ, truncated)
	case tensor.Uint32:
		return integerOf[uint32](typ, truncated)
	case tensor.Float64:
		if typ == "Div" {
			return pairs(func(y, a, b []float64, aStep, bStep int) {
				for i := range y {
					y[i] = a[i*aStep] / b[i*bStep]
				}
			})
		}
		return exactOf[float64](typ)
	}
	return nil
}

func integerOf[T exact](typ string, truncated bool) pairBinder {
	switch typ {
	case "Div":
		return dividing[T](func(a, b T) T { return a / b })
	case "Mod":
		if truncated {
			return dividing[T](func(a, b T) T { return a - a/b*b })
		}
		return dividing[T](func(a, b T) T {
			r := a - a/b*b
			if r != 0 && (r < 0) != (b < 0) {
				r += b
			}
			return r
		})
	}
	return exactOf[T](typ)
}

func exactOf[T exact](typ string) pairBinder {
	switch typ {
	case "Add":
		return pairs(func(y, a, b []T, aStep, bStep int) {
			for i := range y {
				y[i] = a[i*aStep] + b[i*bStep]
			}
		})
	case "Sub":
		return pairs(func(y, a, b []T, aStep, bStep int) {
			for i := range y {
				y[i] = a[i*aStep] - b[i*bStep]
			}
		})
	case "Mul":
		return pairs(func(y, a, b []T, aStep, bStep int) {
			for i := range y {
				y[i] = a[i*aStep] * b[i*bStep]
			}
		})
	case "Max":
		return pairs(func(y, a, b []T, aStep, bStep int) {
			for i := range y {
				y[i] = max(a[i*aStep], b[i*bStep])
			}
		})
	case "Min":
		return pairs(func(y, a, b []T, aStep, bStep int) {
			for i := range y {
				y[i] = min(a[i*aStep], b[i*bStep])
			}
		})
	}
	return nil
}

var errDivision = errors.New("integer division by zero")

// dividing is f after a look at the divisors.
func dividing[T exact](f func(a, b T) T) pairBinder {
	bind := pairs(func(y, a, b []T, aStep, bStep int) {
		for i := range y {
			y[i] = f(a[i*aStep], b[i*bStep])
		}
	})
	return func(ta, tb, ty *tensor.Tensor, s Scratch) func() error {
		divisors, run := tensor.Slice[T](tb), bind(ta, tb, ty, s)
		return func() error {
			if slices.Contains(divisors, 0) {
				return errDivision
			}
			return run()
		}
	}
}
