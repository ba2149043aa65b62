package ops

import (
	"fmt"
	"math"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// resize is what a Resize, Upsample or ResizeGrad node does, axis by axis: interpolation is separable.
type resize struct {
	in, out tensor.Shape
	axes    []resizeAxis // of those that change
	fill    float64      // the value of positions outside
}

// resizedTo is the shape that a node gives a value of shape x.
func resizedTo(n *graph.Node, x tensor.Shape) (tensor.Shape, error) {
	r, err := readResize(n, x, func(how *resizing, axis, in, out int, scale, start, end float64) error {
		_, err := how.axisOf(axis, in, min(out, 1), scale, start, end) // the first position has what is wrong with all
		return err
	})
	return r.out, err
}

// resizeOf reads a node whose inputs say scales or sizes as constants; x is the shape to resize.
func resizeOf(n *graph.Node, x tensor.Shape) (resize, error) {
	var axes []resizeAxis
	r, err := readResize(n, x, func(how *resizing, axis, in, out int, scale, start, end float64) error {
		a, err := how.axisOf(axis, in, out, scale, start, end)
		if err == nil && !a.identity(in) {
			axes = append(axes, a)
		}
		return err
	})
	r.axes = axes
	return r, err
}

// readResize calls axis for every axis that may change with its sizes, scale and region of interest.
func readResize(n *graph.Node, x tensor.Shape, axis func(how *resizing, axis, in, out int, scale, start, end float64) error) (resize, error) {
	r := resize{in: x, out: x.Clone(), fill: n.Attrs.Float("extrapolation_value", 0)}
	how, err := resizingOf(n)
	if err != nil {
		return r, err
	}
	axes, err := resizedAxes(n, len(x))
	if err != nil {
		return r, err
	}
	scales, err := r.sizes(n, axes)
	if err != nil {
		return r, err
	}
	roi, err := regionOf(n, len(axes), how.coordinates)
	if err != nil {
		return r, err
	}
	if err := r.out.Check(tensor.Float64); err != nil {
		return r, err
	}
	for i, d := range axes {
		if err := axis(&how, d, x[d], r.out[d], scales[i], roi[i], roi[len(axes)+i]); err != nil {
			return r, err
		}
	}
	return r, nil
}

// nearestOf10 is the rule of Upsample and of the first Resize: the position before when there are more of them than in the
// input, and the one behind when there are fewer. Their specification does not say so, but the test cases of ONNX 1.5 do,
// and ONNX Runtime follows them.
const nearestOf10 = "opset 10"

// resizingOf reads the attributes. Upsample and the first Resize knew one way to compute positions.
func resizingOf(n *graph.Node) (resizing, error) {
	coordinates, nearest := "half_pixel", "round_prefer_floor"
	if n.Op.Type == "Upsample" || n.Op.Type == "Resize" && n.Op.Since < 11 {
		coordinates, nearest = "asymmetric", nearestOf10
	}
	r := resizing{
		mode:        n.Attrs.String("mode", "nearest"),
		coordinates: n.Attrs.String("coordinate_transformation_mode", coordinates),
		nearest:     n.Attrs.String("nearest_mode", nearest),
		cubic:       n.Attrs.Float("cubic_coeff_a", -0.75),
		antialias:   n.Attrs.Bool("antialias", false),
		inside:      n.Attrs.Bool("exclude_outside", false),
	}
	if r.mode == "bilinear" { // as the first Upsample called it
		r.mode = "linear"
	}
	if !slices.Contains([]string{"nearest", "linear", "cubic"}, r.mode) {
		return r, fmt.Errorf("attribute mode is %q; nearest, linear and cubic are known", r.mode)
	}
	return r, nil
}

// attrs say everything that attributes of the node and its version do.
func (r *resizing) attrs(n *graph.Node) graph.Attrs {
	return n.Attrs.With("mode", r.mode).With("coordinate_transformation_mode", r.coordinates).With("nearest_mode", r.nearest)
}

// resizedAxes are the axes that scales, sizes and region are given for: all unless listed.
func resizedAxes(n *graph.Node, rank int) ([]int, error) {
	list := n.Attrs.Ints("axes")
	if list == nil {
		for d := range rank {
			list = append(list, d)
		}
	}
	for i, d := range list {
		if d < -rank || d >= rank {
			return nil, fmt.Errorf("attribute axes is %v for rank %d", list, rank)
		}
		if d < 0 {
			list[i] += rank
		}
		if slices.Contains(list[:i], list[i]) {
			return nil, fmt.Errorf("attribute axes lists axis %d twice", list[i])
		}
	}
	return list, nil
}

// numbersOf is input i as constant numbers, nil when absent or empty, as exporters leave it.
func numbersOf(n *graph.Node, i int, what string) ([]float64, error) {
	v := n.Input(i)
	if v == nil || v.Type.Shape.Elems() == 0 {
		return nil, nil
	}
	t := n.ConstInput(i)
	if t == nil {
		return nil, fmt.Errorf("input %d, %q, gives the %s and depends on the data of a batch; only a value known before the run is supported",
			i, v.Name, what)
	}
	return t.Float64s(), nil
}

// sizes sets the output's size along the axes and returns their scales.
func (r *resize) sizes(n *graph.Node, axes []int) ([]float64, error) {
	scalesAt, sizesAt := 2, 3
	if (n.Op.Type == "Upsample" || n.Op.Type == "Resize") && n.Op.Since < 11 {
		scalesAt, sizesAt = 1, -1
	}
	var scales, sizes []float64
	var err error
	if n.Op.Type == "Upsample" && n.Op.Since < 9 {
		for _, s := range n.Attrs.Floats("scales") {
			scales = append(scales, float64(s))
		}
	} else if scales, err = numbersOf(n, scalesAt, "scales"); err != nil {
		return nil, err
	}
	if sizesAt > 0 {
		if sizes, err = numbersOf(n, sizesAt, "sizes"); err != nil {
			return nil, err
		}
	}
	if sizes != nil {
		return r.fromSizes(n, axes, sizes)
	}
	if len(scales) != len(axes) {
		return nil, fmt.Errorf("%d scales for %d axes", len(scales), len(axes))
	}
	for i, d := range axes {
		if !(scales[i] > 0) {
			return nil, fmt.Errorf("scales are %v; they must be positive", scales)
		}
		// In float32, as scales are: 0.7 is a little less than it says, and 0.7*10 is to be 7.
		r.out[d] = int(math.Floor(float64(float32(scales[i]) * float32(r.in[d]))))
	}
	return scales, nil
}

func (r *resize) fromSizes(n *graph.Node, axes []int, sizes []float64) ([]float64, error) {
	if len(sizes) != len(axes) {
		return nil, fmt.Errorf("%d sizes for %d axes", len(sizes), len(axes))
	}
	scales := make([]float64, len(axes))
	for i, d := range axes {
		if !(sizes[i] >= 0 && sizes[i] < 1<<31) || r.in[d] == 0 {
			return nil, fmt.Errorf("sizes %v for shape %v", sizes, r.in)
		}
		scales[i] = sizes[i] / float64(r.in[d])
	}
	policy := n.Attrs.String("keep_aspect_ratio_policy", "stretch")
	common := 0.0
	switch policy {
	case "stretch":
	case "not_larger":
		common = slices.Min(scales)
	case "not_smaller":
		common = slices.Max(scales)
	default:
		return nil, fmt.Errorf("attribute keep_aspect_ratio_policy is %q, which is not known", policy)
	}
	for i, d := range axes {
		r.out[d] = int(sizes[i])
		if policy != "stretch" {
			scales[i] = common
			r.out[d] = int(math.Floor(common*float64(r.in[d]) + 0.5))
		}
	}
	return scales, nil
}

// regionOf is the region of interest: the starts along all axes, then the ends.
func regionOf(n *graph.Node, axes int, coordinates string) ([]float64, error) {
	all := make([]float64, 2*axes)
	for i := range axes {
		all[axes+i] = 1
	}
	if coordinates != "tf_crop_and_resize" {
		return all, nil
	}
	roi, err := numbersOf(n, 1, "region of interest")
	if err != nil || roi == nil {
		return all, err
	}
	if len(roi) != len(all) {
		return nil, fmt.Errorf("a region of %d numbers for %d axes", len(roi), axes)
	}
	return roi, nil
}
