package ops

import (
	"fmt"
	"math"
	"strings"
)

// activation is a function and its derivative, which is given the function's value y at x.
type activation struct {
	f     func(x float64) float64
	slope func(x, y float64) float64
}

// clipped limits the argument to [-limit, limit]; 0 is no limit.
func (a activation) clipped(limit float64) activation {
	if limit == 0 {
		return a
	}
	return activation{
		f: func(x float64) float64 { return a.f(max(-limit, min(limit, x))) },
		slope: func(x, y float64) float64 {
			if x < -limit || x > limit {
				return 0
			}
			return a.slope(x, y)
		},
	}
}

// recurrentActivations are those that ONNX knows for recurrent layers, with the default values of alpha and beta, of
// which the last functions have none.
var recurrentActivations = []struct {
	name        string
	alpha, beta float64
	params      int // 1: alpha, 2: alpha and beta
	make        func(alpha, beta float64) activation
}{
	{"Affine", 1, 0, 2, func(a, b float64) activation {
		return activation{func(x float64) float64 { return a*x + b }, func(_, _ float64) float64 { return a }}
	}},
	{"LeakyRelu", 0.01, 0, 1, func(a, _ float64) activation {
		return piecewise(0, func(x float64) float64 { return a * x }, func(_, _ float64) float64 { return a })
	}},
	{"ThresholdedRelu", 1, 0, 1, func(a, _ float64) activation {
		return piecewise(a, func(float64) float64 { return 0 }, func(_, _ float64) float64 { return 0 })
	}},
	{"Elu", 1, 0, 1, func(a, _ float64) activation {
		return piecewise(0, func(x float64) float64 { return a * math.Expm1(x) }, func(_, y float64) float64 { return y + a })
	}},
	{"ScaledTanh", 1, 1, 2, func(a, b float64) activation {
		return activation{func(x float64) float64 { return a * math.Tanh(b*x) }, func(x, _ float64) float64 {
			t := math.Tanh(b * x)
			return a * b * (1 - t*t)
		}}
	}},
	{"HardSigmoid", 0.2, 0.5, 2, func(a, b float64) activation {
		return activation{func(x float64) float64 { return min(max(a*x+b, 0), 1) }, func(x, y float64) float64 {
			if y <= 0 || y >= 1 {
				return 0
			}
			return a
		}}
	}},
	{"Relu", 0, 0, 0, func(_, _ float64) activation {
		return piecewise(0, func(float64) float64 { return 0 }, func(_, _ float64) float64 { return 0 })
	}},
	{"Tanh", 0, 0, 0, func(_, _ float64) activation {
		return activation{math.Tanh, func(_, y float64) float64 { return 1 - y*y }}
	}},
	{"Sigmoid", 0, 0, 0, func(_, _ float64) activation {
		return activation{logistic, func(_, y float64) float64 { return y * (1 - y) }}
	}},
	{"Softsign", 0, 0, 0, func(_, _ float64) activation {
		return activation{func(x float64) float64 { return x / (1 + math.Abs(x)) }, func(x, _ float64) float64 {
			d := 1 + math.Abs(x)
			return 1 / (d * d)
		}}
	}},
	{"Softplus", 0, 0, 0, func(_, _ float64) activation {
		return activation{
			func(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) },
			func(x, _ float64) float64 { return logistic(x) },
		}
	}},
}

// piecewise is x from the edge on, and another function below.
func piecewise(edge float64, below func(x float64) float64, slope func(x, y float64) float64) activation {
	return activation{
		f: func(x float64) float64 {
			if x >= edge {
				return x
			}
			return below(x)
		},
		slope: func(x, y float64) float64 {
			if x >= edge && (x > edge || edge != 0) {
				return 1
			}
			return slope(x, y)
		},
	}
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// activationOf makes the function of a name, in any case as exporters differ, and takes its parameters from the front
// of the lists.
func activationOf(name string, alpha, beta *[]float32) (activation, error) {
	take := func(list *[]float32, absent float64) float64 {
		if len(*list) == 0 {
			return absent
		}
		v := (*list)[0]
		*list = (*list)[1:]
		return float64(v)
	}
	for _, a := range recurrentActivations {
		if !strings.EqualFold(a.name, name) {
			continue
		}
		if a.params > 0 {
			a.alpha = take(alpha, a.alpha)
		}
		if a.params > 1 {
			a.beta = take(beta, a.beta)
		}
		return a.make(a.alpha, a.beta), nil
	}
	return activation{}, fmt.Errorf("attribute activations has %q, which ONNX does not know", name)
}
