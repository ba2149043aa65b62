package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// FakeQuantize is QuantizeLinear, whose attributes and inputs it has, followed by DequantizeLinear with the same scale
// and zero point. Rounding has no useful derivative, so the gradient is the
// straight-through estimator (Bengio, Léonard, Courville, arXiv:1308.3432): that of the identity where x lies within
// the integers' range, and 0 outside. Scales are not trained.
func init() {
	op.Register(op.Def{
		Domain: op.Internal, Type: "FakeQuantize", Since: 1,
		Infer:  func(n *graph.Node) error { return inferFakeQuantize(n, 0) },
		NoGrad: []int{1, 2},
		Grad: func(b *op.Backward) {
			b.Set(0, b.Internal("FakeQuantizeGrad", b.Node.Attrs, b.In(0), b.In(1), b.In(2), b.Grad(0)))
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			g, err := gridOf(n)
			if err != nil {
				return err
			}
			dt, err := quantizedType(n)
			if err != nil {
				return err
			}
			y := in[0].Float64s()
			g.quantize(y, in[1], at(in, 2), dt)
			g.dequantize(y, in[1], at(in, 2))
			out[0].SetFloat64s(y)
			return nil
		},
		Samples: func() []op.Sample {
			s := fakeQuantizeSample()
			s.NoGrad = true // a staircase
			s.Want = one(floats32([]int{6}, 0, 2, 4, 254, -254, -256))
			return []op.Sample{s}
		},
	})
}

// inferFakeQuantize checks x, scale and zero point, and more inputs of the type of x.
func inferFakeQuantize(n *graph.Node, more int) error {
	if err := inputs(n, 2, 3+more); err != nil {
		return err
	}
	dt, err := quantizedType(n)
	if err != nil {
		return err
	}
	if !quantized16.has(dt) {
		return fmt.Errorf("quantization to %v; types of 8 and 16 bits are known", dt)
	}
	if err := sameType(n, floats, 0, 3); err != nil {
		return err
	}
	if err := allow(n, 1, floats); err != nil {
		return err
	}
	if err := allow(n, 2, setOf(dt)); err != nil {
		return err
	}
	if _, err := gridOf(n); err != nil {
		return err
	}
	return set(n, 0, typeOf(n, 0), shapeOf(n, 0))
}

func fakeQuantizeSample() op.Sample {
	return op.Sample{Name: "uint8", In: []*tensor.Tensor{floats32([]int{6}, 0, 2, 3, 1000, -254, -1000), tensor.Scalar[float32](2), tensor.Scalar[uint8](128)}}
}
