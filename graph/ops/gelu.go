package ops

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Gelu is x Φ(x) with the standard normal distribution's Φ (Hendrycks, Gimpel 2016), which approximate = "tanh" replaces.
// Gelu of com.microsoft is the exact one.
func init() {
	curve{
		of: func(a graph.Attrs) (f, slope func(float64) float64) {
			if a.String("approximate", "none") == "tanh" {
				return geluTanh, geluTanhSlope
			}
			return gelu, geluSlope
		},
		check: func(a graph.Attrs) error {
			if s := a.String("approximate", "none"); s != "none" && s != "tanh" {
				return fmt.Errorf("attribute approximate is %q instead of none or tanh", s)
			}
			return nil
		},
		lo: -4, hi: 4,
		attrs: []graph.Attrs{graph.MakeAttrs("approximate", "tanh")},
		samples: func() []op.Sample {
			x := tensor.Vector[float32](-1, 0, 1)
			return []op.Sample{
				example("erf", tensor.Vector[float32](-0.15865526, 0, 0.84134474), x),
				with(example("tanh", tensor.Vector[float32](-0.158808, 0, 0.841192), x), "approximate", "tanh"),
			}
		},
	}.register("Gelu", 20)
	pointwise{domain: microsoft, types: floats, f: gelu, lo: -4, hi: 4, grad: func(b *op.Backward) *graph.Value {
		return b.Internal("GeluGrad", nil, b.Grad(0), b.In(0))
	}}.register("Gelu", 1)
}

func gelu(x float64) float64 { return 0.5 * x * (1 + math.Erf(x/math.Sqrt2)) }

func geluSlope(x float64) float64 {
	return 0.5*(1+math.Erf(x/math.Sqrt2)) + x*math.Exp(-x*x/2)/math.Sqrt(2*math.Pi)
}

func geluTanh(x float64) float64 {
	t := math.Tanh(math.Sqrt(2/math.Pi) * (x + 0.044715*x*x*x))
	return 0.5 * x * (1 + t)
}

func geluTanhSlope(x float64) float64 {
	t := math.Tanh(math.Sqrt(2/math.Pi) * (x + 0.044715*x*x*x))
	return 0.5*(1+t) + 0.5*x*(1-t*t)*math.Sqrt(2/math.Pi)*(1+3*0.044715*x*x)
}
