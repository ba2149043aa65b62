package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	Register(Kernel{
		Name: "tile", Op: onnx("Tile"), Half: moves,
		When: func(n *graph.Node) bool {
			dims, _ := tiled(n.In[0].Type.Shape, n.Out[0].Type.Shape)
			return len(dims) <= maxRank && nonEmpty(n)
		},
		Bind: func(_ *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			dims, strides := tiled(in[0].Shape, out[0].Shape)
			to := box{out[0], 0, tensor.Shape(dims).Strides()}
			move := bindMove(s.Pool, dims, to, box{in[0], 0, strides})
			return func() error { move(); return nil }, nil
		},
	})
}

// tiled are the dimensions of the result, where an axis that is repeated has a dimension more in front, and the strides that
// the source has along them.
func tiled(from, to tensor.Shape) (dims, strides []int) {
	step := from.Strides()
	for d, size := range from {
		if size > 0 && to[d] != size {
			dims, strides = append(dims, to[d]/size), append(strides, 0)
		}
		dims, strides = append(dims, size), append(strides, step[d])
	}
	return dims, strides
}
