package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	Register(Kernel{Name: "uniform", Op: graph.OpID{Domain: op.Internal, Type: "Uniform"}, Bind: bindUniform})
}

// bindUniform draws the numbers that the reference in graph/ops documents. Chunks start at even elements, which begin a
// word of two numbers.
func bindUniform(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
	y, rng := out[0].F32(), in[0].I64()
	key := uint64(n.Attrs.Int("key", 0))
	var base uint64
	body := func(_, lo, hi int) {
		for i := lo; i < hi; i++ {
			word := linalg.SplitMix(base + uint64(i/2+1)*golden)
			y[i] = float32(uint32(word>>(i%2*32))>>8) * (1.0 / (1 << 24))
		}
	}
	return func() error {
		base = randomBase(rng, key)
		s.Pool.For(len(y), chunk, body)
		return nil
	}, nil
}
