package cpu

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	registerBinary("pow", "Pow", binary{
		vv: func(dst, a, b []float32) {
			for i := range dst {
				dst[i] = pow(a[i], b[i])
			}
		},
		vs: func(dst, a []float32, b float32) {
			for i := range dst {
				dst[i] = pow(a[i], b)
			}
		},
		sv: func(dst []float32, a float32, b []float32) {
			for i := range dst {
				dst[i] = pow(a, b[i])
			}
		},
	})
	Register(Kernel{
		Name: "pow/const", Op: onnx("Pow"), Rank: 1, InPlace: []int{0}, Half: halfAmong([]int{0}, []int{0}), Scratch: elementRooms,
		When: func(n *graph.Node) bool {
			in, out := n.In[0].Type, n.Out[0].Type
			return (in.DType == tensor.Float32 || isHalf(n.In[0])) && out.Shape.Elems() == in.Shape.Elems() && constPow(n) != nil
		},
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			return bindMap(s, out[0], in[0], constPow(n)), nil
		},
		loops: func(n *graph.Node) loops { return loops{one: constPow(n)} },
	})
}

func pow(a, b float32) float32 { return float32(math.Pow(float64(a), float64(b))) }

// constPow is the loop for a constant exponent that needs no logarithm, nil for others.
func constPow(n *graph.Node) func(dst, x []float32) {
	t := n.ConstInput(1)
	if t == nil || t.Elems() != 1 {
		return nil
	}
	switch t.Float64s()[0] {
	case 2:
		return func(dst, x []float32) { mulVV(dst, x, x) }
	case 3:
		return func(dst, x []float32) {
			x = x[:len(dst)]
			for i := range dst {
				dst[i] = x[i] * x[i] * x[i]
			}
		}
	case 0.5:
		return linalg.Sqrt
	case -1:
		return func(dst, x []float32) { divSV(dst, 1, x) }
	}
	return nil
}
