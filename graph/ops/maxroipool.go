package ops

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// MaxRoiPool divides regions of images into as many cells and takes the maximum of each (Girshick 2015); an empty cell
// gives 0. A region is its image's number and the corners x1, y1, x2 and y2, both inside, which spatial_scale brings from
// the scale of a larger image to that of x. MaxRoiPoolGrad has the inputs dy, x and the regions.
func init() {
	register(op.Def{
		Type: "MaxRoiPool",
		Infer: func(n *graph.Node) error {
			r, err := roiPoolOf(n, 0)
			if err != nil {
				return err
			}
			return set(n, 0, typeOf(n, 0), tensor.Shape{r.regions, r.x[1], r.cells[0], r.cells[1]})
		},
		NoGrad: []int{1},
		Grad: func(b *op.Backward) {
			b.Set(0, b.Internal("MaxRoiPoolGrad", b.Node.Attrs, b.Grad(0), b.In(0), b.In(1)))
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			r, err := roiPoolOf(n, 0)
			if err != nil {
				return err
			}
			x, y := in[0].Float64s(), make([]float64, out[0].Elems())
			err = r.eachMaximum(x, in[1].Float64s(), func(cell, at int) { y[cell] = x[at] })
			out[0].SetFloat64s(y)
			return err
		},
		Samples: func() []op.Sample {
			attrs := graph.MakeAttrs("pooled_shape", []int{2, 2})
			corner := floats32([]int{1, 5}, 0, 1, 1, 3, 2)
			return []op.Sample{
				{Name: "values", Attrs: attrs, In: []*tensor.Tensor{count(1, 1, 3, 4), corner}, Want: one(floats32([]int{1, 1, 2, 2}, 6, 7, 10, 11))},
				{Name: "outside", Attrs: attrs, In: []*tensor.Tensor{count(1, 1, 3, 4), floats32([]int{1, 5}, 0, 3, 2, 6, 2)},
					Want: one(floats32([]int{1, 1, 2, 2}, 11, 0, 11, 0))},
				{Name: "scaled", Attrs: attrs.With("spatial_scale", 0.5),
					In: []*tensor.Tensor{op.Normalish(1, 2, 3, 5, 6), floats32([]int{3, 5}, 1, 0, 0, 9, 7, 0, 3, 2, 10, 9, 1, 4, 4, 4, 4)}},
			}
		},
	}, 1, 22)
	op.Register(op.Def{
		Domain: op.Internal, Type: "MaxRoiPoolGrad", Since: 1,
		Infer: func(n *graph.Node) error {
			r, err := roiPoolOf(n, 1)
			if err != nil {
				return err
			}
			if want := (tensor.Shape{r.regions, r.x[1], r.cells[0], r.cells[1]}); !shapeOf(n, 0).Equal(want) {
				return fmt.Errorf("a gradient of shape %v, want %v", shapeOf(n, 0), want)
			}
			return set(n, 0, typeOf(n, 1), shapeOf(n, 1))
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			r, err := roiPoolOf(n, 1)
			if err != nil {
				return err
			}
			dy, dx := in[0].Float64s(), make([]float64, out[0].Elems())
			err = r.eachMaximum(in[1].Float64s(), in[2].Float64s(), func(cell, at int) { dx[at] += dy[cell] })
			out[0].SetFloat64s(dx)
			return err
		},
		Samples: func() []op.Sample {
			return []op.Sample{{Name: "values", Attrs: graph.MakeAttrs("pooled_shape", []int{1, 2}),
				In:   []*tensor.Tensor{floats32([]int{2, 1, 1, 2}, 1, 2, 4, 8), count(1, 1, 2, 2), floats32([]int{2, 5}, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1)},
				Want: one(floats32([]int{1, 1, 2, 2}, 0, 0, 13, 2))}}
		},
	})
}

// roiPool is the geometry of a MaxRoiPool: of pooling regions of images of shape x into cells.
type roiPool struct {
	x       tensor.Shape
	regions int
	cells   []int
	scale   float64
}

// roiPoolOf reads a node whose input first is the images and the next one the regions.
func roiPoolOf(n *graph.Node, first int) (roiPool, error) {
	r := roiPool{cells: n.Attrs.Ints("pooled_shape"), scale: n.Attrs.Float("spatial_scale", 1)}
	if err := inputs(n, first+2, first+2); err != nil {
		return r, err
	}
	for i := range first + 2 {
		if err := allow(n, i, floats); err != nil {
			return r, err
		}
	}
	if err := rank(n, first, 4, 4); err != nil {
		return r, err
	}
	r.x = shapeOf(n, first)
	if s := shapeOf(n, first+1); len(s) != 2 || s[1] != 5 {
		return r, fmt.Errorf("regions of shape %v; an image's number and four corners each are taken", s)
	}
	if len(r.cells) != 2 || r.cells[0] < 1 || r.cells[1] < 1 {
		return r, fmt.Errorf("attribute pooled_shape is %v; the numbers of rows and columns are taken", r.cells)
	}
	r.regions = shapeOf(n, first+1)[0]
	return r, nil
}

// eachMaximum calls fn for every cell of every region and channel that is not empty, with the place of its largest element.
func (r *roiPool) eachMaximum(x, regions []float64, fn func(cell, at int)) error {
	height, width := r.x[2], r.x[3]
	for k := range r.regions {
		region := regions[5*k:]
		if !(region[0] >= 0 && region[0] < float64(r.x[0])) {
			return fmt.Errorf("region %d is of image %v of %d", k, region[0], r.x[0])
		}
		image := int(region[0])
		for c := range r.x[1] {
			plane := (image*r.x[1] + c) * height * width
			for cell := range r.cells[0] * r.cells[1] {
				top, bottom := r.span(region[2], region[4], cell/r.cells[1], r.cells[0], height)
				left, right := r.span(region[1], region[3], cell%r.cells[1], r.cells[1], width)
				largest := -1
				for i := top; i < bottom; i++ {
					for j := left; j < right; j++ {
						if at := plane + i*width + j; largest < 0 || x[at] > x[largest] {
							largest = at
						}
					}
				}
				if largest >= 0 {
					fn((k*r.x[1]+c)*r.cells[0]*r.cells[1]+cell, largest)
				}
			}
		}
	}
	return nil
}

// span is the part of an axis that a cell of a region from one corner to the other has.
func (r *roiPool) span(from, to float64, cell, cells, size int) (first, end int) {
	start := math.Round(from * r.scale)
	step := max(math.Round(to*r.scale)-start+1, 1) / float64(cells)
	clamp := func(v float64) int {
		if !(v > 0) { // not a number either
			return 0
		}
		return int(min(v, float64(size)))
	}
	return clamp(start + math.Floor(float64(cell)*step)), clamp(start + math.Ceil(float64(cell+1)*step))
}
