package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// DequantizeLinear has no gradient: its input is integers, and scales are part of the quantization that the model's
// maker chose. See FakeQuantize for what lets weights and activations that a model quantizes be trained.
func init() {
	for _, since := range []int{10, 13, 19, 21, 23, 24, 25, 28} {
		op.Register(op.Def{
			Type: "DequantizeLinear", Since: since,
			Infer: inferDequantize,
			Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
				g, err := gridOf(n)
				if err != nil {
					return err
				}
				y := in[0].Float64s()
				g.dequantize(y, in[1], at(in, 2))
				out[0].SetFloat64s(y)
				return nil
			},
			Samples: func() []op.Sample { return dequantizeSamples(since) },
		})
	}
}

func inferDequantize(n *graph.Node) error {
	if err := inputs(n, 2, 3); err != nil {
		return err
	}
	allowed := quantized8 | setOf(tensor.Int32)
	if n.Op.Since >= 21 {
		allowed |= quantized16
	}
	if err := sameType(n, allowed, 0, 2); err != nil {
		return err
	}
	if err := allow(n, 1, floats); err != nil {
		return err
	}
	if _, err := gridOf(n); err != nil {
		return err
	}
	to := typeOf(n, 1)
	if n.Attrs.Int("output_dtype", 0) != 0 {
		var err error
		if to, err = typeAttr(n, "output_dtype", tensor.Invalid); err != nil {
			return err
		}
		if !floats.has(to) {
			return fmt.Errorf("attribute output_dtype is %v, which is no floating-point type", to)
		}
	}
	return set(n, 0, to, shapeOf(n, 0))
}

// dequantize turns integers into what they stand for.
func (g *grid) dequantize(x []float64, scale, zero *tensor.Tensor) {
	s := scale.Float64s()
	z := zeroPoints(zero, len(s))
	for i, k := range g.index() {
		x[i] = (x[i] - z[k]) * s[k]
	}
}

func dequantizeSamples(since int) []op.Sample {
	all := []op.Sample{
		{Name: "values", In: []*tensor.Tensor{tensor.Vector[uint8](0, 3, 128, 255), tensor.Scalar[float32](2), tensor.Scalar[uint8](128)},
			Want: one(tensor.Vector[float32](-256, -250, 0, 254))},
		{Name: "int32", In: []*tensor.Tensor{tensor.Vector[int32](-100000, 3), tensor.Scalar[float32](0.5)}, Want: one(tensor.Vector[float32](-50000, 1.5))},
	}
	if since >= 13 {
		all = append(all, op.Sample{Name: "along an axis", Attrs: graph.MakeAttrs("axis", 0),
			In:   []*tensor.Tensor{tensor.Of([]int{2, 2}, int8(1), 2, 3, 4), tensor.Vector[float32](1, 0.5), tensor.Vector[int8](1, -1)},
			Want: one(floats32([]int{2, 2}, 0, 1, 2, 2.5))})
	}
	if since >= 21 {
		all = append(all, op.Sample{Name: "blocks", Attrs: graph.MakeAttrs("axis", 1, "block_size", 2),
			In:   []*tensor.Tensor{tensor.Of([]int{2, 3}, int16(1), 2, 3, 4, 5, 6), floats32([]int{2, 2}, 0.5, 1, 2, 4)},
			Want: one(floats32([]int{2, 3}, 0.5, 1, 3, 8, 10, 24))})
	}
	return all
}
