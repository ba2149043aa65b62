package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() { shuffled("DepthToSpace", depthToSpace, depthToSpaceSamples, 1, 11, 13) }

func depthToSpace(n *graph.Node) (shuffle, error) {
	side, err := blockSize(n)
	if err != nil {
		return shuffle{}, err
	}
	x := shapeOf(n, 0)
	if x[1]%(side*side) != 0 {
		return shuffle{}, fmt.Errorf("the %d channels of shape %v do not divide into blocks of %d by %d", x[1], x, side, side)
	}
	depth := x[1] / (side * side)
	to := tensor.Shape{x[0], depth, x[2] * side, x[3] * side}
	switch mode := n.Attrs.String("mode", "DCR"); {
	case mode == "DCR" || n.Op.Since < 11: // depth, column, row
		return shuffle{tensor.Shape{x[0], side, side, depth, x[2], x[3]}, []int{0, 3, 4, 1, 5, 2}, to}, nil
	case mode == "CRD":
		return shuffle{tensor.Shape{x[0], depth, side, side, x[2], x[3]}, []int{0, 1, 4, 2, 5, 3}, to}, nil
	default:
		return shuffle{}, fmt.Errorf("mode %q is neither DCR nor CRD", mode)
	}
}

func depthToSpaceSamples(since int) []op.Sample {
	of := func(name, mode string, side int, in, want *tensor.Tensor) op.Sample {
		s := op.Sample{Name: name, Attrs: graph.MakeAttrs("blocksize", side), In: one(in)}
		if since >= 11 {
			s.Attrs = s.Attrs.With("mode", mode)
		}
		if want != nil {
			s.Want = one(want)
		}
		return s
	}
	// The image of the specification: channel c starts at 9c.
	var eight []float32
	for c := range 8 {
		for i := range 6 {
			eight = append(eight, float32(9*c+i))
		}
	}
	in := floats32([]int{1, 8, 2, 3}, eight...)
	all := []op.Sample{
		of("depth, column, row", "DCR", 2, in, floats32([]int{1, 2, 4, 6},
			0, 18, 1, 19, 2, 20, 36, 54, 37, 55, 38, 56, 3, 21, 4, 22, 5, 23, 39, 57, 40, 58, 41, 59,
			9, 27, 10, 28, 11, 29, 45, 63, 46, 64, 47, 65, 12, 30, 13, 31, 14, 32, 48, 66, 49, 67, 50, 68)),
		of("batch", "DCR", 2, op.Normalish(1, 2, 4, 1, 2), nil),
	}
	if since >= 11 {
		all = append(all, of("column, row, depth", "CRD", 2, in, floats32([]int{1, 2, 4, 6},
			0, 9, 1, 10, 2, 11, 18, 27, 19, 28, 20, 29, 3, 12, 4, 13, 5, 14, 21, 30, 22, 31, 23, 32,
			36, 45, 37, 46, 38, 47, 54, 63, 55, 64, 56, 65, 39, 48, 40, 49, 41, 50, 57, 66, 58, 67, 59, 68)))
	}
	return all
}
