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
		perm := []int{0, 3, 5, 1, 2, 4}
		switch mode := n.Attrs.String("mode", "DCR"); {
		case n.Op.Since < 28 || mode == "DCR":
		case mode == "CRD":
			perm = []int{0, 1, 3, 5, 2, 4}
		default:
			return shuffle{}, fmt.Errorf("attribute mode is %q; DCR and CRD are known", mode)
		}
		return shuffle{tensor.Shape{x[0], x[1], h, side, w, side}, perm, tensor.Shape{x[0], x[1] * side * side, h, w}}, nil
	}, func(since int) []op.Sample {
		by2 := graph.MakeAttrs("blocksize", 2)
		all := []op.Sample{
			// The example of the specification.
			{Name: "specification", Attrs: by2,
				In:   one(floats32([]int{1, 1, 4, 6}, 0, 6, 1, 7, 2, 8, 12, 18, 13, 19, 14, 20, 3, 9, 4, 10, 5, 11, 15, 21, 16, 22, 17, 23)),
				Want: one(count(1, 4, 2, 3))},
			{Name: "channels", Attrs: by2, In: one(op.Normalish(1, 2, 3, 4, 2))},
		}
		if since >= 28 {
			all = append(all, op.Sample{Name: "CRD", Attrs: by2.With("mode", "CRD"), In: one(count(1, 2, 2, 2)), Want: one(count(1, 8, 1, 1))})
		}
		return all
	}, 1, 13, 28)
}
