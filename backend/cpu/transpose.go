package cpu

import (
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	Register(Kernel{
		Name: "transpose", Op: onnx("Transpose"), When: smallRank, Half: moves,
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			from := whole(in[0])
			strides := make([]int, len(from.strides))
			for i, axis := range permutation(n) {
				strides[i] = from.strides[axis]
			}
			from.strides = strides
			move := bindMove(s.Pool, out[0].Shape, whole(out[0]), from)
			return func() error { move(); return nil }, nil
		},
	})
}

// permutation says which input axis each output axis is: reversed unless given.
func permutation(n *graph.Node) []int {
	if perm := n.Attrs.Ints("perm"); perm != nil {
		return perm
	}
	perm := make([]int, len(n.In[0].Type.Shape))
	for i := range perm {
		perm[i] = i
	}
	slices.Reverse(perm)
	return perm
}

// smallRank is the When of kernels that move elements of any type.
func smallRank(n *graph.Node) bool {
	return len(n.In[0].Type.Shape) <= maxRank && len(n.Out[0].Type.Shape) <= maxRank
}
