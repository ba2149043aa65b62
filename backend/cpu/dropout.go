package cpu

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	Register(Kernel{
		Name: "dropout", Op: graph.OpID{Domain: op.Internal, Type: "Dropout"}, InPlace: []int{0},
		When: func(n *graph.Node) bool { return n.In[0].Type.DType == tensor.Float32 },
		Bind: bindDropout,
	})
}

// bindDropout draws the numbers that the reference in graph/ops documents. Chunks start at even elements, which begin a
// word of two numbers.
func bindDropout(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
	x, y, rng := in[0].F32(), out[0].F32(), in[1].I64()
	ratio, key := n.Attrs.Float("ratio", 0.5), uint64(n.Attrs.Int("key", 0))
	threshold, scale := uint32(math.Round(ratio*(1<<32))), float32(1/(1-ratio))
	var base uint64
	body := func(_, lo, hi int) { dropout(y[lo:hi], x[lo:hi], base+uint64(lo/2)*golden, threshold, scale) }
	return func() error {
		base = splitMix(splitMix(splitMix(uint64(rng[0])+golden)+uint64(rng[1])+golden) + key + golden)
		s.Pool.For(len(y), chunk, body)
		return nil
	}, nil
}

// golden is the increment of SplitMix64 and splitMix its output function.
const golden = 0x9e3779b97f4a7c15

func splitMix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func dropout(dst, x []float32, state uint64, threshold uint32, scale float32) {
	x = x[:len(dst)]
	for len(dst) >= 2 && len(x) >= 2 {
		state += golden
		word := splitMix(state)
		dst[0] = keep(x[0]*scale, uint32(word), threshold)
		dst[1] = keep(x[1]*scale, uint32(word>>32), threshold)
		dst, x = dst[2:], x[2:]
	}
	if len(dst) > 0 && len(x) > 0 {
		dst[0] = keep(x[0]*scale, uint32(splitMix(state+golden)), threshold)
	}
}

// keep is v, and 0 when bits are below the threshold, without a branch that nothing could predict.
func keep(v float32, bits, threshold uint32) float32 {
	below := uint32((int64(bits) - int64(threshold)) >> 63)
	return math.Float32frombits(math.Float32bits(v) &^ below)
}
