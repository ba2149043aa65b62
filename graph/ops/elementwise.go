package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// sameAsFirst infers one output of the type of input 0.
func sameAsFirst(need, most int, s types) func(*graph.Node) error {
	return func(n *graph.Node) error {
		if err := inputs(n, need, most); err != nil {
			return err
		}
		if err := allow(n, 0, s); err != nil {
			return err
		}
		return set(n, 0, typeOf(n, 0), shapeOf(n, 0))
	}
}

// unary is an operator that maps each element. f is the function in float64; lo and hi bound a sample away from kinks
// and poles; grad emits dx from b.Grad(0), b.In(0) and b.Out(0).
func unary(typ string, s types, f func(x float64) float64, lo, hi float64, grad func(b *op.Backward) *graph.Value, since ...int) {
	register(op.Def{
		Type:  typ,
		Infer: sameAsFirst(1, 1, s),
		Grad:  setFirst(grad),
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			mapElements(out[0], in[0], f)
			return nil
		},
		Samples: func() []op.Sample {
			return []op.Sample{
				{Name: "matrix", In: []*tensor.Tensor{op.Uniform(1, lo, hi, 3, 5)}},
				{Name: "scalar", In: []*tensor.Tensor{op.Uniform(2, lo, hi)}},
				{Name: "empty", In: []*tensor.Tensor{tensor.New(tensor.Float32, 2, 0)}, NoGrad: true},
			}
		},
	}, since...)
}

// setFirst makes what grad emits the gradient of input 0; nil when there is no gradient.
func setFirst(grad func(b *op.Backward) *graph.Value) func(*op.Backward) {
	if grad == nil {
		return nil
	}
	return func(b *op.Backward) { b.Set(0, grad(b)) }
}

func mapElements(out, in *tensor.Tensor, f func(x float64) float64) {
	v := in.Float64s()
	for i := range v {
		v[i] = f(v[i])
	}
	out.SetFloat64s(v)
}

// broadcastTypes infers one output of element type dt (Invalid: that of the inputs) and the shape that the inputs
// broadcast to.
func broadcastTypes(n *graph.Node, dt tensor.DType) error {
	shapes := make([]tensor.Shape, len(n.In))
	for i := range n.In {
		shapes[i] = shapeOf(n, i)
	}
	shape, err := tensor.Broadcast(shapes...)
	if err != nil {
		return err
	}
	if dt == tensor.Invalid {
		dt = typeOf(n, 0)
	}
	return set(n, 0, dt, shape)
}

// mapPairs is out = f(a, b) with broadcasting, in float64.
func mapPairs(out, a, b *tensor.Tensor, f func(x, y float64) float64) {
	x, y := a.Float64s(), b.Float64s()
	z := make([]float64, out.Elems())
	walk(out.Shape, func(i int, at []int) { z[i] = f(x[at[0]], y[at[1]]) },
		a.Shape.BroadcastStrides(out.Shape), b.Shape.BroadcastStrides(out.Shape))
	out.SetFloat64s(z)
}

// mapIntPairs is mapPairs for integers, in int64; the bits are right for uint64 too where f is a ring operation.
func mapIntPairs(out, a, b *tensor.Tensor, f func(x, y int64) int64) {
	x, y := a.Int64s(), b.Int64s()
	z := make([]int64, out.Elems())
	walk(out.Shape, func(i int, at []int) { z[i] = f(x[at[0]], y[at[1]]) },
		a.Shape.BroadcastStrides(out.Shape), b.Shape.BroadcastStrides(out.Shape))
	out.SetInt64s(z)
}

// binary is an operator on two tensors that broadcast. f works in float64 and g, for integers, in int64.
func binary(typ string, s types, f func(x, y float64) float64, g func(x, y int64) int64, grad func(b *op.Backward), samples func() []op.Sample, since ...int) {
	register(op.Def{
		Type: typ,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 2, 2); err != nil {
				return err
			}
			if err := sameType(n, s, 0, 1); err != nil {
				return err
			}
			return broadcastTypes(n, tensor.Invalid)
		},
		Grad: grad,
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			if in[0].DType.IsInt() && g != nil {
				mapIntPairs(out[0], in[0], in[1], g)
				return nil
			}
			mapPairs(out[0], in[0], in[1], f)
			return nil
		},
		Samples: samples,
	}, since...)
}

// pairSamples are two inputs in [lo, hi) of shapes that broadcast in every way.
func pairSamples(lo, hi float64) func() []op.Sample {
	return func() []op.Sample {
		pair := func(name string, a, b tensor.Shape) op.Sample {
			return op.Sample{Name: name, In: []*tensor.Tensor{op.Uniform(3, lo, hi, a...), op.Uniform(4, lo, hi, b...)}}
		}
		ints := op.Sample{Name: "integers", In: []*tensor.Tensor{tensor.Vector[int64](7, -7, 3), tensor.Vector[int64](2, 2, -5)}}
		return []op.Sample{
			pair("same shape", tensor.Shape{2, 3}, tensor.Shape{2, 3}),
			pair("row", tensor.Shape{2, 3}, tensor.Shape{3}),
			pair("column", tensor.Shape{2, 1}, tensor.Shape{2, 3}),
			pair("scalar", tensor.Shape{}, tensor.Shape{2, 2}),
			pair("channels", tensor.Shape{2, 3, 2, 2}, tensor.Shape{3, 1, 1}),
			ints,
		}
	}
}
