package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	shuffled("SpaceToDepth", func(n *graph.Node) (shuffle, error) {
		side, err := blockSize(n)
		if err != nil {
			return shuffle{}, err
		}
		x := shapeOf(n, 0)
		if x[2]%side != 0 || x[3]%side != 0 {
			return shuffle{}, fmt.Errorf("shape %v does not divide into blocks of %d by %d", x, side, side)
		}
		h, w := x[2]/side, x[3]/side
		return shuffle{tensor.Shape{x[0], x[1], h, side, w, side}, []int{0, 3, 5, 1, 2, 4}, tensor.Shape{x[0], x[1] * side * side, h, w}}, nil
	}, func(int) []op.Sample {
		by2 := graph.MakeAttrs("blocksize", 2)
		return []op.Sample{
			// The example of the specification.
			{Name: "specification", Attrs: by2,
				In:   one(floats32([]int{1, 1, 4, 6}, 0, 6, 1, 7, 2, 8, 12, 18, 13, 19, 14, 20, 3, 9, 4, 10, 5, 11, 15, 21, 16, 22, 17, 23)),
				Want: one(count(1, 4, 2, 3))},
			{Name: "channels", Attrs: by2, In: one(op.Normalish(1, 2, 3, 4, 2))},
		}
	}, 1, 13)
}
