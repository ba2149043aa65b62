package ops

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	for _, since := range []int{10, 16, 22} {
		op.Register(op.Def{
			Type: "RoiAlign", Since: since,
			Infer: func(n *graph.Node) error {
				if err := inputs(n, 3, 3); err != nil {
					return err
				}
				r, err := roisOf(n, 0)
				if err != nil {
					return err
				}
				return set(n, 0, typeOf(n, 0), r.outShape())
			},
			// As elsewhere, regions are where to look and are not trained.
			NoGrad: []int{1, 2},
			Grad: func(b *op.Backward) {
				r, err := roisOf(b.Node, 0)
				if fails(b, err) {
					return
				}
				attrs := b.Node.Attrs.With("coordinate_transformation_mode", r.coordinates)
				b.Set(0, b.Internal("RoiAlignGrad", attrs, b.Grad(0), b.In(1), b.In(2), b.In(0)))
			},
			Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
				r, err := roisOf(n, 0)
				if err != nil {
					return err
				}
				x, y := in[0].Float64s(), make([]float64, out[0].Elems())
				err = r.bins(in[1].Float64s(), in[2].Int64s(), func(o, plane int, samples [][]gridTap) {
					y[o] = r.pool(x[plane:], samples, nil)
				})
				out[0].SetFloat64s(y)
				return err
			},
			Samples: func() []op.Sample { return roiAlignSamples(since) },
		})
	}
}

// regions is a RoiAlign: the boxes of an image each become bins, of which each pools bilinear samples.
type regions struct {
	x             tensor.Shape
	count         int // of boxes
	height, width int // in bins
	ratio         int // samples of a bin along an axis, 0 for one in each pixel
	scale         float64
	coordinates   string
	largest       bool
}

// roisOf reads a RoiAlign node or its gradient, whose input data has the type of input x.
func roisOf(n *graph.Node, x int) (regions, error) {
	r := regions{
		height: n.Attrs.Int("output_height", 1), width: n.Attrs.Int("output_width", 1), ratio: n.Attrs.Int("sampling_ratio", 0),
		scale: n.Attrs.Float("spatial_scale", 1), x: shapeOf(n, x), count: shapeOf(n, 2).Elems(),
	}
	if err := sameType(n, floats, 0, 1); err != nil {
		return r, err
	}
	if err := allow(n, 2, setOf(tensor.Int64)); err != nil {
		return r, err
	}
	if len(r.x) != 4 || !shapeOf(n, 1).Equal(tensor.Shape{r.count, 4}) || len(shapeOf(n, 2)) != 1 {
		return r, fmt.Errorf("an input of shape %v, regions of shape %v and batch indices of shape %v", r.x, shapeOf(n, 1), shapeOf(n, 2))
	}
	if r.x[2] < 1 || r.x[3] < 1 {
		return r, fmt.Errorf("images of shape %v have no pixels", r.x)
	}
	absent := "half_pixel"
	if n.Op.Type == "RoiAlign" && n.Op.Since < 16 {
		absent = "output_half_pixel"
	}
	r.coordinates = n.Attrs.String("coordinate_transformation_mode", absent)
	if r.coordinates != "half_pixel" && r.coordinates != "output_half_pixel" {
		return r, fmt.Errorf("attribute coordinate_transformation_mode is %q; half_pixel and output_half_pixel are known", r.coordinates)
	}
	mode := n.Attrs.String("mode", "avg")
	r.largest = mode == "max"
	if !r.largest && mode != "avg" {
		return r, fmt.Errorf("attribute mode is %q; avg and max are known", mode)
	}
	if r.height < 1 || r.width < 1 || r.ratio < 0 {
		return r, fmt.Errorf("attributes output_height %d, output_width %d and sampling_ratio %d", r.height, r.width, r.ratio)
	}
	return r, nil
}

func (r *regions) outShape() tensor.Shape { return tensor.Shape{r.count, r.x[1], r.height, r.width} }

// bins calls fn for every output with the offset of its plane in the input and the taps of its samples.
func (r *regions) bins(boxes []float64, images []int64, fn func(o, plane int, samples [][]gridTap)) error {
	channels, size, count := r.x[1], r.x[2]*r.x[3], r.height*r.width
	for k, image := range images {
		if image < 0 || image >= int64(r.x[0]) {
			return fmt.Errorf("batch index %d is outside of [0, %d)", image, r.x[0])
		}
		x := r.side(boxes[4*k], boxes[4*k+2], r.width)
		y := r.side(boxes[4*k+1], boxes[4*k+3], r.height)
		if most := 1 << 20; y.samples > most || x.samples > most || y.samples*x.samples > most {
			return fmt.Errorf("region %d needs %dx%d samples a bin", k, y.samples, x.samples)
		}
		for bin := range count {
			samples := r.samples(y, x, bin/r.width, bin%r.width)
			for c := range channels {
				fn((k*channels+c)*count+bin, (int(image)*channels+c)*size, samples)
			}
		}
	}
	return nil
}

// boxSide is a side of a box: where it starts, how long a bin is, and how many samples a bin has.
type boxSide struct {
	start, bin float64
	samples    int
}

func (r *regions) side(from, to float64, bins int) boxSide {
	offset := 0.0
	if r.coordinates == "half_pixel" {
		offset = 0.5
	}
	s := boxSide{start: from*r.scale - offset, samples: r.ratio}
	length := to*r.scale - offset - s.start
	if offset == 0 {
		length = max(length, 1)
	}
	s.bin = length / float64(bins)
	if s.samples == 0 {
		s.samples = int(max(0, min(math.Ceil(s.bin), 1<<20)))
	}
	return s
}

func (s *boxSide) at(bin, sample int) float64 {
	return s.start + s.bin*(float64(bin)+(float64(sample)+0.5)/float64(s.samples))
}

func (r *regions) samples(y, x boxSide, row, column int) [][]gridTap {
	var all [][]gridTap
	for i := range y.samples {
		for j := range x.samples {
			all = append(all, r.bilinear(y.at(row, i), x.at(column, j)))
		}
	}
	return all
}

// bilinear are the taps of a point, none when it is more than a pixel outside.
func (r *regions) bilinear(y, x float64) []gridTap {
	height, width := r.x[2], r.x[3]
	if !(y >= -1 && y <= float64(height) && x >= -1 && x <= float64(width)) {
		return nil
	}
	var taps []gridTap
	for _, a := range edgeTaps(y, height) {
		for _, b := range edgeTaps(x, width) {
			taps = append(taps, gridTap{at: a.at*width + b.at, weight: a.weight * b.weight})
		}
	}
	return taps
}

// edgeTaps interpolates along an axis whose outer positions go on for ever.
func edgeTaps(x float64, size int) [2]axisTap {
	x = max(0, min(x, float64(size-1)))
	low := int(x)
	high, t := min(low+1, size-1), x-float64(low)
	return [2]axisTap{{at: low, weight: 1 - t}, {at: high, weight: t}}
}

// pool is the mean of the samples or, as the standard defines it, the largest part that a tap contributes to one. share,
// if given, is called for every tap with the derivative.
func (r *regions) pool(x []float64, samples [][]gridTap, share func(at int, by float64)) float64 {
	if r.largest {
		return largestTap(x, samples, share)
	}
	total, count := 0.0, float64(max(len(samples), 1))
	for _, taps := range samples {
		for _, t := range taps {
			total += t.weight * x[t.at]
			if share != nil {
				share(t.at, t.weight/count)
			}
		}
	}
	return total / count
}

func largestTap(x []float64, samples [][]gridTap, share func(at int, by float64)) float64 {
	top, best := math.Inf(-1), gridTap{at: -1}
	for _, taps := range samples {
		if taps == nil && top < 0 {
			top, best = 0, gridTap{at: -1}
		}
		for _, t := range taps {
			if v := t.weight * x[t.at]; v > top {
				top, best = v, t
			}
		}
	}
	if math.IsInf(top, -1) {
		return 0
	}
	if share != nil && best.at >= 0 {
		share(best.at, best.weight)
	}
	return top
}

func roiAlignSamples(since int) []op.Sample {
	boxes := floats32([]int{3, 4}, 0.3, 0.2, 3.1, 3.7, 1, 1, 5, 6, -1.7, 2.2, 2.4, 4.6)
	of := func(name string, attrs graph.Attrs) op.Sample {
		return op.Sample{Name: name, Attrs: attrs.With("output_height", 2).With("output_width", 3),
			In: []*tensor.Tensor{op.Normalish(1, 2, 2, 6, 5), boxes, tensor.Vector[int64](0, 1, 0)}}
	}
	all := []op.Sample{of("mean", nil), of("ratio", graph.MakeAttrs("sampling_ratio", 2, "spatial_scale", 0.7)), of("max", graph.MakeAttrs("mode", "max"))}
	values := op.Sample{Name: "values", Attrs: graph.MakeAttrs("sampling_ratio", 1),
		In: []*tensor.Tensor{count(1, 1, 3, 3), floats32([]int{1, 4}, 0, 0, 2, 2), tensor.Vector[int64](0)}, Want: one(floats32([]int{1, 1, 1, 1}, 4))}
	if since >= 16 {
		all = append(all, of("edges", graph.MakeAttrs("coordinate_transformation_mode", "output_half_pixel")))
		values.Want = one(floats32([]int{1, 1, 1, 1}, 2))
	}
	return append(all, values)
}
