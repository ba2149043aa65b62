package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	Register(Kernel{
		Name: "trilu", Op: onnx("Trilu"), InPlace: []int{0}, When: nonEmpty,
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			shape, upper := in[0].Shape, n.Attrs.Bool("upper", true)
			rows, cols := shape[len(shape)-2], shape[len(shape)-1]
			width := in[0].DType.Size()
			var diagonal []int64
			if len(in) > 1 && in[1] != nil {
				diagonal = in[1].I64()
			}
			x, y, k := in[0].Data, out[0].Data, 0
			body := func(_, lo, hi int) {
				for i := lo; i < hi; i++ {
					from, to := x[i*cols*width:][:cols*width], y[i*cols*width:][:cols*width]
					cut := min(max(i%rows+k, 0), cols) * width // where the row meets the diagonal
					if upper {
						clear(to[:cut])
						copy(to[cut:], from[cut:])
					} else {
						cut = min(max(i%rows+k+1, 0), cols) * width
						copy(to[:cut], from[:cut])
						clear(to[cut:])
					}
				}
			}
			return func() error {
				if diagonal != nil {
					// Farther diagonals keep or drop everything as well, and do not overflow.
					k = int(max(min(diagonal[0], int64(cols)), -int64(rows)))
				}
				s.Pool.For(in[0].Elems()/cols, max(1, chunk/cols), body)
				return nil
			}, nil
		},
	})
}
