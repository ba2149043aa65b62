package ops

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// cosineWindow registers a window function of signal processing that is a sum of cosines: a0 - a1*cos(t) + a2*cos(2t), with t
// from 0 to 2π over the window, whose end belongs to it unless it is periodic. want is the symmetric window of 5.
func cosineWindow(typ string, a0, a1, a2 float64, want [5]float32) {
	register(op.Def{
		Type: typ,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 1, 1); err != nil {
				return err
			}
			if err := allow(n, 0, indices); err != nil {
				return err
			}
			size, err := constant(n, 0, "size")
			if err != nil {
				return err
			}
			if len(size) != 1 || size[0] < 0 {
				return fmt.Errorf("the size, %v, is not one number of at least 0", size)
			}
			dt, err := typeAttr(n, "output_datatype", tensor.Float32)
			if err != nil {
				return err
			}
			if !numeric.has(dt) {
				return fmt.Errorf("attribute output_datatype is %v, which is not a type of numbers", dt)
			}
			return set(n, 0, dt, size)
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			v := make([]float64, out[0].Elems())
			steps := len(v)
			if !n.Attrs.Bool("periodic", true) {
				// A window of one element is its middle.
				steps = max(steps-1, 1)
			}
			for i := range v {
				t := 2 * math.Pi * float64(i) / float64(steps)
				v[i] = a0 - a1*math.Cos(t) + a2*math.Cos(2*t)
			}
			if len(v) == 1 {
				v[0] = 1
			}
			out[0].SetFloat64s(v)
			return nil
		},
		Samples: func() []op.Sample {
			of := func(name string, size int32, want []float32, attrs ...any) op.Sample {
				return op.Sample{Name: name, Const: []int{0}, Attrs: graph.MakeAttrs(attrs...), In: one(tensor.Scalar(size)),
					Want: one(floats32([]int{len(want)}, want...))}
			}
			double := tensor.New(tensor.Float64, 4)
			double.SetFloat64s(floats32([]int{4}, want[:4]...).Float64s())
			return []op.Sample{
				of("symmetric", 5, want[:], "periodic", 0),
				of("periodic", 4, want[:4]),
				of("of one", 1, []float32{1}, "periodic", 0),
				of("of none", 0, nil),
				{Name: "double", Const: []int{0}, Attrs: graph.MakeAttrs("output_datatype", onnxType(tensor.Float64)),
					In: one(tensor.Scalar[int64](4)), Want: one(double)},
			}
		},
	}, 17)
}
