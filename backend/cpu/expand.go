package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	Register(Kernel{
		Name: "expand", Op: onnx("Expand"), When: smallRank, Half: moves,
		Bind: func(_ *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			move := bindMove(s.Pool, out[0].Shape, whole(out[0]), box{in[0], 0, in[0].Shape.BroadcastStrides(out[0].Shape)})
			return func() error { move(); return nil }, nil
		},
	})
}
