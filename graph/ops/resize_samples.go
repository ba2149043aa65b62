package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func resizeSamples(since int) []op.Sample {
	x := op.Normalish(1, 1, 2, 4, 5)
	if since < 11 {
		scales := tensor.Vector[float32](1, 1, 2, 0.6)
		return []op.Sample{
			{Name: "nearest", In: []*tensor.Tensor{x, scales}, Const: []int{1}},
			{Name: "nearest, down", In: []*tensor.Tensor{count(1, 1, 1, 6), tensor.Vector[float32](1, 1, 1, 0.6)}, Const: []int{1},
				Want: one(floats32([]int{1, 1, 1, 3}, 0, 2, 4))},
			{Name: "linear", Attrs: graph.MakeAttrs("mode", "linear"), In: []*tensor.Tensor{x, scales}, Const: []int{1}},
		}
	}
	scaled := func(name string, attrs graph.Attrs, scales ...float32) op.Sample {
		return op.Sample{Name: name, Attrs: attrs, In: []*tensor.Tensor{x, nil, tensor.Vector(scales...)}, Const: []int{2}}
	}
	sized := func(name string, attrs graph.Attrs, sizes ...int) op.Sample {
		return op.Sample{Name: name, Attrs: attrs, In: []*tensor.Tensor{x, nil, nil, ints(sizes...)}, Const: []int{3}}
	}
	all := []op.Sample{
		{Name: "values", Attrs: graph.MakeAttrs("mode", "linear"), Const: []int{2},
			In:   []*tensor.Tensor{floats32([]int{1, 1, 2, 2}, 1, 2, 3, 4), nil, tensor.Vector[float32](1, 1, 2, 2)},
			Want: one(floats32([]int{1, 1, 4, 4}, 1, 1.25, 1.75, 2, 1.5, 1.75, 2.25, 2.5, 2.5, 2.75, 3.25, 3.5, 3, 3.25, 3.75, 4))},
		scaled("nearest, up", nil, 1, 1, 2, 3), scaled("nearest, down", nil, 1, 1, 0.6, 0.5),
		scaled("nearest, aligned", graph.MakeAttrs("coordinate_transformation_mode", "align_corners", "nearest_mode", "floor"), 1, 1, 2, 1.5),
		scaled("nearest, asymmetric", graph.MakeAttrs("coordinate_transformation_mode", "asymmetric", "nearest_mode", "ceil"), 1, 1, 2, 1.5),
		scaled("linear, up", graph.MakeAttrs("mode", "linear"), 1, 1, 2, 1.7),
		scaled("linear, down", graph.MakeAttrs("mode", "linear", "coordinate_transformation_mode", "pytorch_half_pixel"), 1, 1, 0.6, 0.2),
		scaled("cubic", graph.MakeAttrs("mode", "cubic", "cubic_coeff_a", -0.5), 1, 1, 2, 0.8),
		scaled("cubic, inside", graph.MakeAttrs("mode", "cubic", "exclude_outside", 1), 1, 1, 1.5, 0.6),
		sized("sizes", graph.MakeAttrs("mode", "linear", "coordinate_transformation_mode", "align_corners"), 1, 2, 7, 3),
		{Name: "crop", Attrs: graph.MakeAttrs("mode", "linear", "coordinate_transformation_mode", "tf_crop_and_resize", "extrapolation_value", 9.0),
			In:    []*tensor.Tensor{x, tensor.Vector[float32](0, 0, 0.4, 0.6, 1, 1, 1.2, 1.7), nil, ints(1, 2, 3, 3)},
			Const: []int{1, 3}},
	}
	if since >= 18 {
		all = append(all,
			scaled("antialias", graph.MakeAttrs("mode", "linear", "antialias", 1, "axes", []int{3, 2}), 0.6, 0.4),
			scaled("antialias, cubic", graph.MakeAttrs("mode", "cubic", "antialias", 1, "axes", []int{-1}), 0.5),
			sized("not larger", graph.MakeAttrs("mode", "linear", "keep_aspect_ratio_policy", "not_larger", "axes", []int{2, 3}), 6, 7),
			sized("not smaller", graph.MakeAttrs("keep_aspect_ratio_policy", "not_smaller", "axes", []int{2, 3}), 6, 7))
	}
	if since >= 19 {
		all = append(all, scaled("symmetric", graph.MakeAttrs("mode", "linear", "coordinate_transformation_mode", "half_pixel_symmetric"), 1, 1, 1.3, 0.7))
	}
	return all
}
