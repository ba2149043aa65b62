package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func padSamples(since int) []op.Sample {
	by := func(name, mode string, in *tensor.Tensor, pads []int, want *tensor.Tensor) op.Sample {
		s := list(op.Sample{Name: name, Attrs: graph.MakeAttrs("mode", mode), In: one(in)}, since, 11, "pads", pads...)
		if want != nil {
			s.Want = one(want)
		}
		return s
	}
	five := by("with fives", "constant", count(1, 2), []int{1, 0, 0, 1}, floats32([]int{2, 3}, 5, 5, 5, 0, 1, 5))
	trained := by("trained value", "constant", op.Normalish(1, 2, 2), []int{1, 0, -1, 2}, nil)
	absent := by("absent value", "constant", count(2), []int{1, 1}, floats32([]int{4}, 0, 0, 1, 0))
	flags := by("bool", "constant", tensor.Vector(true), []int{1, 0}, tensor.Vector(false, true))
	if since < 11 {
		five.Attrs = five.Attrs.With("value", float32(5))
	} else {
		five.In, five.Const = append(five.In, tensor.Scalar[float32](5)), append(five.Const, 2)
		trained.In = append(trained.In, floats32([]int{1}, 0.5))
		absent.In = append(absent.In, nil)
		flags.In, flags.Const = append(flags.In, tensor.Scalar(false)), append(flags.Const, 2)
	}
	all := []op.Sample{
		five, trained, absent, flags,
		by("zeros", "constant", op.Normalish(2, 2, 3, 2, 2), []int{0, 0, 1, 1, 0, 0, 1, 1}, nil),
		by("crop", "constant", count(2, 4), []int{0, -1, 0, -2}, floats32([]int{2, 1}, 1, 5)),
		by("crop and pad", "constant", op.Normalish(3, 3, 3), []int{-1, 2, 1, -1}, nil),
		by("reflect", "reflect", count(2, 3), []int{0, 2, 0, 1}, floats32([]int{2, 6}, 2, 1, 0, 1, 2, 1, 5, 4, 3, 4, 5, 4)),
		by("reflect again", "reflect", count(3), []int{5, 0}, floats32([]int{8}, 1, 0, 1, 2, 1, 0, 1, 2)),
		by("edge", "edge", op.Normalish(4, 2, 2, 3), []int{0, 1, 2, 1, 0, 1}, nil),
		by("edge of a row", "edge", count(3), []int{2, -1}, floats32([]int{4}, 0, 0, 0, 1)),
	}
	if since >= 18 {
		on := by("axes", "constant", count(2, 2), []int{1, 0}, floats32([]int{2, 3}, 0, 0, 1, 0, 2, 3))
		on.In = append(on.In, nil, ints(-1))
		on.Const = append(on.Const, 3)
		all = append(all, on)
	}
	if since >= 19 {
		all = append(all, by("wrap", "wrap", count(3), []int{4, 2}, floats32([]int{9}, 2, 0, 1, 2, 0, 1, 2, 0, 1)))
	}
	return all
}
