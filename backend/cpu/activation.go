package cpu

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	for _, k := range []Kernel{
		mapKernel("neg", onnx("Neg"), func(dst, x []float32) { linalg.Scale(dst, x, -1) }),
		mapKernel("reciprocal", onnx("Reciprocal"), func(dst, x []float32) { linalg.ScalarDiv(dst, 1, x) }),
		mapKernel("relu", onnx("Relu"), linalg.Relu),
		mapKernel("exp", onnx("Exp"), linalg.Exp),
		mapKernel("tanh", onnx("Tanh"), linalg.Tanh),
		mapKernel("sigmoid", onnx("Sigmoid"), linalg.Sigmoid),
		mapKernel("erf", onnx("Erf"), linalg.Erf),
		mapKernel("sqrt", onnx("Sqrt"), linalg.Sqrt),
		mapKernel("abs", onnx("Abs"), linalg.Abs),
		mapKernel("log", onnx("Log"), linalg.Log),
		mapWith("gelu", onnx("Gelu"), func(n *graph.Node) func(dst, x []float32) {
			if n.Attrs.String("approximate", "none") == "tanh" {
				return linalg.GeluTanh
			}
			return linalg.Gelu
		}),
	} {
		Register(k)
	}
	Register(Kernel{Name: "clip", Op: onnx("Clip"), InPlace: []int{0}, When: allFloat, Half: halfAmong([]int{0}, []int{0}),
		Scratch: elementRooms, Bind: bindClip})
}

// bounds are Clip's: attributes before opset 11, then inputs, which are read in every run.
type bounds struct {
	low, high         float32
	lowInput, hiInput []float32
}

func newBounds(n *graph.Node, in []*tensor.Tensor, at int) bounds {
	return bounds{
		low:      float32(n.Attrs.Float("min", math.Inf(-1))),
		high:     float32(n.Attrs.Float("max", math.Inf(1))),
		lowInput: elements(in, at), hiInput: elements(in, at+1),
	}
}

func (b bounds) now() (low, high float32) {
	low, high = b.low, b.high
	if b.lowInput != nil {
		low = b.lowInput[0]
	}
	if b.hiInput != nil {
		high = b.hiInput[0]
	}
	return low, high
}

func bindClip(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
	b := newBounds(n, in, 1)
	return bindMap(s, out[0], in[0], func(dst, x []float32) {
		low, high := b.now()
		linalg.Clamp(dst, x, low, high)
	}), nil
}
