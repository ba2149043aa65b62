package cpu

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	Register(Kernel{
		Name: "fake_quantize", Op: graph.OpID{Domain: op.Internal, Type: "FakeQuantize"}, InPlace: []int{0}, When: fakeQuantizeFits,
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			x, y := in[0].F32(), out[0].F32()
			return bindQuantized(n, in, s, func(g steps, lo, hi int) { g.quantize(y[lo:hi], x[lo:hi]) }), nil
		},
	})
	Register(Kernel{
		Name: "fake_quantize_grad", Op: graph.OpID{Domain: op.Internal, Type: "FakeQuantizeGrad"}, InPlace: []int{0, 3}, When: fakeQuantizeFits,
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			x, dy, dx := in[0].F32(), in[3].F32(), out[0].F32()
			return bindQuantized(n, in, s, func(g steps, lo, hi int) { g.pass(dx[lo:hi], dy[lo:hi], x[lo:hi]) }), nil
		},
	})
}

// steps are the integers that numbers are quantized to: from low to high, where zero stands for 0 and the next one for
// scale.
type steps struct {
	scale           float32
	zero, low, high float64
}

func (g steps) quantize(y, x []float32) {
	for i, v := range x {
		k := math.RoundToEven(float64(v/g.scale)) + g.zero
		y[i] = float32((max(g.low, min(g.high, k)) - g.zero) * float64(g.scale))
	}
}

// pass lets the gradient through where x lies between low and high.
func (g steps) pass(dx, dy, x []float32) {
	for i, v := range x {
		if k := float64(v)/float64(g.scale) + g.zero; k < g.low || k > g.high {
			dx[i] = 0
		} else {
			dx[i] = dy[i]
		}
	}
}

// fakeQuantizeFits reports a node that has one scale, or one for each position along an axis, and a constant zero point.
func fakeQuantizeFits(n *graph.Node) bool {
	_, _, ok := quantizedRuns(n)
	zero := n.Input(2)
	return ok && n.In[0].Type.DType == tensor.Float32 && n.In[1].Type.DType == tensor.Float32 && (zero == nil || n.ConstInput(2) != nil)
}

// quantizedRuns says how many elements in a row share a scale, and how many scales take turns.
func quantizedRuns(n *graph.Node) (run, turns int, ok bool) {
	x, scale := n.In[0].Type.Shape, n.In[1].Type.Shape
	if n.Attrs.Int("block_size", 0) != 0 || x.Elems() == 0 {
		return 0, 0, false
	}
	if scale.Elems() == 1 {
		return x.Elems(), 1, true
	}
	axis, err := x.Axis(n.Attrs.Int("axis", 1))
	if err != nil {
		return 0, 0, false
	}
	return x[axis+1:].Elems(), x[axis], true
}

func bindQuantized(n *graph.Node, in []*tensor.Tensor, s Scratch, f func(g steps, lo, hi int)) func() error {
	run, turns, _ := quantizedRuns(n)
	scale, zero := in[1].F32(), make([]float64, turns)
	dt := tensor.Uint8
	if len(in) > 2 && in[2] != nil {
		dt = in[2].DType
		copy(zero, in[2].Float64s())
	} else if k := n.Attrs.Int("output_dtype", 0); k != 0 {
		dt = quantizedTypes[k]
	}
	low, high := 0.0, math.Ldexp(1, 8*dt.Size())-1
	if dt.IsSigned() {
		half := math.Ldexp(1, 8*dt.Size()-1)
		low, high = -half, half-1
	}
	body := func(_, lo, hi int) {
		for lo < hi {
			k := lo / run
			end := min(hi, (k+1)*run)
			f(steps{scale[k%turns], zero[k%turns], low, high}, lo, end)
			lo = end
		}
	}
	total := in[0].Elems()
	return func() error {
		s.Pool.For(total, chunk, body)
		return nil
	}
}

// quantizedTypes are the types of 8 and 16 bits by their number in TensorProto.DataType.
var quantizedTypes = map[int]tensor.DType{2: tensor.Uint8, 3: tensor.Int8, 4: tensor.Uint16, 5: tensor.Int16}
