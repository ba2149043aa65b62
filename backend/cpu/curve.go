package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

type (
	curveLoop = func(dst, x []float32)
	slopeLoop = func(dst, dy, x []float32)
)

// numbers reads attributes that are float32 in the file.
type numbers struct{ graph.Attrs }

func (a numbers) get(name string, absent float64) float32 { return float32(a.Float(name, absent)) }

// Activations with a kernel for the gradient of their own, by what their attributes choose. The defaults are ONNX's.
func init() {
	for _, c := range []struct {
		name, typ string
		choose    func(a numbers) (curveLoop, slopeLoop)
	}{
		{"softsign", "Softsign", func(numbers) (curveLoop, slopeLoop) { return linalg.Softsign, linalg.SoftsignGrad }},
		{"hard_swish", "HardSwish", func(numbers) (curveLoop, slopeLoop) { return linalg.HardSwish, linalg.HardSwishGrad }},
		{"mish", "Mish", func(numbers) (curveLoop, slopeLoop) { return linalg.Mish, linalg.MishGrad }},
		{"hard_sigmoid", "HardSigmoid", hardSigmoid},
		{"leaky_relu", "LeakyRelu", leakyRelu},
		{"thresholded_relu", "ThresholdedRelu", thresholdedRelu},
		{"shrink", "Shrink", shrink},
		{"elu", "Elu", func(a numbers) (curveLoop, slopeLoop) { return elu(a.get("alpha", 1), 1, 1) }},
		{"selu", "Selu", func(a numbers) (curveLoop, slopeLoop) {
			alpha, gamma := a.get("alpha", 1.67326319217681884765625), a.get("gamma", 1.05070102214813232421875)
			return elu(alpha*gamma, 1, gamma)
		}},
		{"celu", "Celu", func(a numbers) (curveLoop, slopeLoop) {
			alpha := a.get("alpha", 1)
			return elu(alpha, 1/alpha, 1)
		}},
		{"swish", "Swish", func(a numbers) (curveLoop, slopeLoop) { return swish(a.get("alpha", 1)) }},
	} {
		Register(mapWith(c.name, onnx(c.typ), func(n *graph.Node) func(dst, x []float32) {
			f, _ := c.choose(numbers{n.Attrs})
			return f
		}))
		Register(zipWith(c.name+"_grad", graph.OpID{Domain: op.Internal, Type: c.typ + "Grad"}, func(n *graph.Node) func(dst, dy, x []float32) {
			_, slope := c.choose(numbers{n.Attrs})
			return slope
		}))
	}
	Register(mapWith("quick_gelu", graph.OpID{Domain: "com.microsoft", Type: "QuickGelu"}, func(n *graph.Node) func(dst, x []float32) {
		f, _ := swish(numbers{n.Attrs}.get("alpha", 1.702))
		return f
	}))
	Register(mapKernel("softplus", onnx("Softplus"), linalg.Softplus))
	Register(mapKernel("sign", onnx("Sign"), linalg.Sign))
	registerBiasGelu("bias_gelu", "BiasGelu", linalg.Gelu)
	registerBiasGelu("fast_gelu", "FastGelu", linalg.GeluTanh)
	prelu := binary{vv: linalg.Prelu, vs: linalg.LeakyRelu, sv: preluOfNumber}
	Register(Kernel{
		Name: "prelu", Op: onnx("PRelu"), InPlace: []int{0, 1}, Half: hasHalf, Scratch: elementRooms,
		// Version 6 aligns the slope with axis 1.
		When: func(n *graph.Node) bool { return allFloat(n) && (n.Op.Since >= 7 || sized(n.In[1], 1)) },
		Bind: func(_ *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			return prelu.bind(in[0], in[1], out[0], s), nil
		},
	})
}

func hardSigmoid(a numbers) (curveLoop, slopeLoop) {
	alpha, beta := a.get("alpha", 0.2), a.get("beta", 0.5)
	return func(dst, x []float32) { linalg.HardSigmoid(dst, x, alpha, beta) },
		func(dst, dy, x []float32) { linalg.HardSigmoidGrad(dst, dy, x, alpha, beta) }
}

func leakyRelu(a numbers) (curveLoop, slopeLoop) {
	alpha := a.get("alpha", 0.01)
	return func(dst, x []float32) { linalg.LeakyRelu(dst, x, alpha) },
		func(dst, dy, x []float32) { linalg.LeakyReluGrad(dst, dy, x, alpha) }
}

func thresholdedRelu(a numbers) (curveLoop, slopeLoop) {
	alpha := a.get("alpha", 1)
	return func(dst, x []float32) { linalg.ThresholdedRelu(dst, x, alpha) },
		func(dst, dy, x []float32) { linalg.ThresholdedReluGrad(dst, dy, x, alpha) }
}

func shrink(a numbers) (curveLoop, slopeLoop) {
	bias, bound := a.get("bias", 0), a.get("lambd", 0.5)
	return func(dst, x []float32) { linalg.Shrink(dst, x, bias, bound) },
		func(dst, dy, x []float32) { linalg.ShrinkGrad(dst, dy, x, bound) }
}

func elu(a, b, c float32) (curveLoop, slopeLoop) {
	return func(dst, x []float32) { linalg.Elu(dst, x, a, b, c) },
		func(dst, dy, x []float32) { linalg.EluGrad(dst, dy, x, a, b, c) }
}

func swish(alpha float32) (curveLoop, slopeLoop) {
	return func(dst, x []float32) { linalg.Swish(dst, x, alpha) },
		func(dst, dy, x []float32) { linalg.SwishGrad(dst, dy, x, alpha) }
}

// preluOfNumber is PRelu of one number for many slopes.
func preluOfNumber(dst []float32, x float32, slope []float32) {
	if x > 0 {
		fill(dst, x)
		return
	}
	linalg.Scale(dst, slope, x)
}

// registerBiasGelu registers a GELU of com.microsoft with a bias along the last axis.
func registerBiasGelu(name, typ string, f curveLoop) {
	Register(Kernel{
		Name: name, Op: graph.OpID{Domain: "com.microsoft", Type: typ}, InPlace: []int{0}, Scratch: elementRooms,
		When: func(n *graph.Node) bool { return allFloat32(n) && nonEmpty(n) },
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			if elements(in, 1) == nil {
				return bindMap(s, out[0], in[0], f), nil
			}
			x, bias, y := in[0].F32(), elements(in, 1), out[0].F32()
			c := len(bias)
			body := func(_, lo, hi int) {
				for i := lo * c; i < hi*c; i += c {
					addVV(y[i:i+c], x[i:i+c], bias)
					f(y[i:i+c], y[i:i+c])
				}
			}
			return func() error {
				s.Pool.For(len(y)/c, max(1, chunk/c), body)
				return nil
			}, nil
		},
	})
}
