package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	for _, since := range []int{10, 13, 19, 21, 23, 24, 25, 28} {
		op.Register(op.Def{
			Type: "QuantizeLinear", Since: since,
			Infer:  inferQuantize,
			NoGrad: []int{1, 2},
			// Integers carry no gradient: one that dequantization leads back to floating point passes through
			// FakeQuantize, which a pass makes of the two. That this is there says that weights may be quantized.
			Grad: func(*op.Backward) {},
			Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
				g, err := gridOf(n)
				if err != nil {
					return err
				}
				y := in[0].Float64s()
				g.quantize(y, in[1], at(in, 2), out[0].DType)
				out[0].SetFloat64s(y)
				return nil
			},
			Samples: func() []op.Sample { return quantizeSamples(since) },
		})
	}
}

func inferQuantize(n *graph.Node) error {
	if err := inputs(n, 2, 3); err != nil {
		return err
	}
	if err := allow(n, 0, floats|setOf(tensor.Int32)); err != nil {
		return err
	}
	if err := allow(n, 1, floats); err != nil {
		return err
	}
	to, err := quantizedType(n)
	if err != nil {
		return err
	}
	allowed := quantized8
	if n.Op.Since >= 21 {
		allowed = quantized16
	}
	if !allowed.has(to) {
		return fmt.Errorf("quantization to %v; this version knows integers of 8 bits, from 21 on of 16", to)
	}
	if _, err := gridOf(n); err != nil {
		return err
	}
	return set(n, 0, to, shapeOf(n, 0))
}

// quantizedType is the type that a QuantizeLinear or FakeQuantize node quantizes to.
func quantizedType(n *graph.Node) (tensor.DType, error) {
	to := tensor.Uint8
	if n.Attrs.Int("output_dtype", 0) != 0 {
		var err error
		if to, err = typeAttr(n, "output_dtype", tensor.Invalid); err != nil {
			return to, err
		}
		if z := n.Input(2); z != nil && z.Type.DType != to {
			return to, fmt.Errorf("attribute output_dtype says %v and the zero point is %v", to, z.Type.DType)
		}
	}
	if z := n.Input(2); z != nil {
		to = z.Type.DType
	}
	return to, nil
}

// quantize turns x into integers of a type, dividing in the scale's precision as other implementations do.
func (g *grid) quantize(x []float64, scale, zero *tensor.Tensor, to tensor.DType) {
	s := scale.Float64s()
	z := zeroPoints(zero, len(s))
	for i, k := range g.index() {
		x[i] = saturate(rounded(scale.DType, x[i]/s[k]), z[k], to)
	}
}

func quantizeSamples(since int) []op.Sample {
	all := []op.Sample{
		{Name: "values", In: []*tensor.Tensor{floats32([]int{6}, 0, 2, 3, 1000, -254, -1000), tensor.Scalar[float32](2), tensor.Scalar[uint8](128)},
			Want: one(tensor.Vector[uint8](128, 129, 130, 255, 1, 0))},
		{Name: "ties, signed", In: []*tensor.Tensor{floats32([]int{5}, 0.25, 0.75, -0.25, 1.25, 200), tensor.Scalar[float32](0.5), tensor.Scalar[int8](0)},
			Want: one(tensor.Vector[int8](0, 2, 0, 2, 127))},
		{Name: "default type", In: []*tensor.Tensor{floats32([]int{2}, -1, 3), tensor.Scalar[float32](1)}, Want: one(tensor.Vector[uint8](0, 3))},
	}
	if since >= 13 {
		all = append(all, op.Sample{Name: "along an axis", Attrs: graph.MakeAttrs("axis", -1),
			In:   []*tensor.Tensor{count(2, 3), tensor.Vector[float32](1, 2, 4), tensor.Vector[int8](0, 1, -1)},
			Want: one(tensor.Of([]int{2, 3}, int8(0), 1, -1, 3, 3, 0))})
	}
	if since >= 21 {
		all = append(all, op.Sample{Name: "blocks", Attrs: graph.MakeAttrs("axis", 1, "block_size", 2, "output_dtype", 5),
			In:   []*tensor.Tensor{count(2, 3), floats32([]int{2, 2}, 0.5, 0.25, 1, 0.125)},
			Want: one(tensor.Of([]int{2, 3}, int16(0), 2, 8, 3, 4, 40))})
	}
	return all
}
