package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	for _, since := range []int{16, 20, 22} {
		op.Register(op.Def{
			Type: "GridSample", Since: since,
			Infer: func(n *graph.Node) error {
				if err := inputs(n, 2, 2); err != nil {
					return err
				}
				if err := allow(n, 0, anyType); err != nil {
					return err
				}
				if err := allow(n, 1, floats); err != nil {
					return err
				}
				s, err := samplingOf(n, shapeOf(n, 0), shapeOf(n, 1))
				if err != nil {
					return err
				}
				return set(n, 0, typeOf(n, 0), s.outShape())
			},
			Grad: func(b *op.Backward) {
				out := b.Emit(op.Internal, "GridSampleGrad", b.Node.Attrs, 2, b.Grad(0), b.In(0), b.In(1))
				for i, v := range out {
					if b.Want(i) {
						b.Set(i, v)
					}
				}
			},
			Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
				s, err := samplingOf(n, in[0].Shape, in[1].Shape)
				if err != nil {
					return err
				}
				x, y := in[0].Float64s(), make([]float64, out[0].Elems())
				s.points(in[1].Float64s(), func(_, plane, o int, taps []gridTap) {
					for _, t := range taps {
						if t.at >= 0 {
							y[o] += t.weight * x[plane+t.at]
						}
					}
				})
				out[0].SetFloat64s(y)
				return nil
			},
			Samples: func() []op.Sample { return gridSampleSamples(since) },
		})
	}
}

// sampling is a GridSample of planes of shape in at points of shape out.
type sampling struct {
	batch, channels int
	in, out         []int
	axes            []gridAxis
}

func samplingOf(n *graph.Node, x, grid tensor.Shape) (sampling, error) {
	if len(x) < 3 || len(grid) != len(x) || grid[0] != x[0] || grid[len(grid)-1] != len(x)-2 {
		return sampling{}, fmt.Errorf("an input of shape %v and a grid of shape %v", x, grid)
	}
	s := sampling{batch: x[0], channels: x[1], in: x[2:], out: grid[1 : len(grid)-1]}
	mode := n.Attrs.String("mode", "linear")
	padding := n.Attrs.String("padding_mode", "zeros")
	switch mode {
	case "bilinear": // the names of the first version
		mode = "linear"
	case "bicubic":
		mode = "cubic"
	case "linear", "cubic", "nearest":
	default:
		return s, fmt.Errorf("attribute mode is %q; nearest, linear and cubic are known", mode)
	}
	if padding != "zeros" && padding != "border" && padding != "reflection" {
		return s, fmt.Errorf("attribute padding_mode is %q; zeros, border and reflection are known", padding)
	}
	for _, size := range s.in {
		if size == 0 {
			return s, fmt.Errorf("an input of shape %v has nothing to sample", x)
		}
		s.axes = append(s.axes, newGridAxis(size, mode, padding, n.Attrs.Bool("align_corners", false)))
	}
	return s, nil
}

func (s *sampling) outShape() tensor.Shape {
	return append(tensor.Shape{s.batch, s.channels}, s.out...)
}

// points calls fn for every output element o with the offset of its input plane, that of its point in the grid, and
// the taps of the plane.
func (s *sampling) points(grid []float64, fn func(point, plane, o int, taps []gridTap)) {
	count, size, dims := tensor.Shape(s.out).Elems(), tensor.Shape(s.in).Elems(), len(s.in)
	for b := range s.batch {
		for p := range count {
			point := (b*count + p) * dims
			taps := s.taps(grid[point:][:dims])
			for c := range s.channels {
				plane := b*s.channels + c
				fn(point, plane*size, plane*count+p, taps)
			}
		}
	}
}

// taps are the products of the taps of all axes. A point names the last axis first.
func (s *sampling) taps(point []float64) []gridTap {
	dims := len(s.in)
	all := []gridTap{{weight: 1, slopes: make([]float64, dims)}}
	for d := range dims {
		var next []gridTap
		for _, t := range all {
			for _, a := range s.axes[d].taps(point[dims-1-d]) {
				product := gridTap{at: -1, weight: t.weight * a.weight, slopes: make([]float64, dims)}
				if t.at >= 0 && a.at >= 0 {
					product.at = t.at*s.in[d] + a.at
				}
				for k, v := range t.slopes {
					product.slopes[k] = v * a.weight
				}
				product.slopes[dims-1-d] = t.weight * a.slope
				next = append(next, product)
			}
		}
		all = next
	}
	return all
}

func gridSampleSamples(since int) []op.Sample {
	linear, cubic := "bilinear", "bicubic"
	if since >= 20 {
		linear, cubic = "linear", "cubic"
	}
	var all []op.Sample
	for _, mode := range []string{linear, cubic, "nearest"} {
		for _, padding := range []string{"zeros", "border", "reflection"} {
			for align := range 2 {
				all = append(all, op.Sample{
					Name:  fmt.Sprintf("%s, %s, align %d", mode, padding, align),
					Attrs: graph.MakeAttrs("mode", mode, "padding_mode", padding, "align_corners", align),
					In:    []*tensor.Tensor{op.Normalish(1, 2, 2, 3, 4), op.Uniform(2, -1.6, 1.6, 2, 2, 3, 2)},
				})
			}
		}
	}
	all = append(all, op.Sample{Name: "values", Attrs: graph.MakeAttrs("mode", linear, "align_corners", 1), NoGrad: true, // corners
		In:   []*tensor.Tensor{count(1, 1, 2, 3), floats32([]int{1, 1, 3, 2}, -1, -1, 0.5, 0, 1, 3)},
		Want: one(floats32([]int{1, 1, 1, 3}, 0, 3, 0))})
	if since >= 20 {
		all = append(all, op.Sample{Name: "volume", Attrs: graph.MakeAttrs("mode", linear),
			In: []*tensor.Tensor{op.Normalish(1, 1, 2, 2, 3, 2), op.Uniform(2, -1.2, 1.2, 1, 2, 1, 2, 3)}})
	}
	return all
}
