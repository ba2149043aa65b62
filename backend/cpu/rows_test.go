package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	reductions := []struct {
		name  string
		shape []int
		axes  []int
	}{
		{"all, long", []int{3, 65, 1300}, []int{0, 1, 2}},
		{"trailing", []int{65, 13, 70}, []int{1, 2}},
		{"trailing, longer than a chunk", []int{3, 50000}, []int{1}},
		{"short rows", []int{5000, 3}, []int{1}},
		{"leading", []int{700, 65}, []int{0}},
		{"leading, wide", []int{30, 3000}, []int{0}},
		{"all but channels", []int{12, 16, 33, 17}, []int{0, 2, 3}},
		{"all but channels, long", []int{3, 2, 70, 300}, []int{0, 2, 3}},
		{"middle", []int{4, 300, 70}, []int{1}},
		{"every other", []int{3, 40, 5, 60, 7}, []int{1, 3}},
		{"every other, from the first", []int{3, 40, 5, 60, 7}, []int{0, 2, 4}},
		{"of one", []int{3, 1, 7}, []int{1}},
	}
	for _, c := range reductions {
		x := normal(1, c.shape...)
		kept := tensor.Shape(c.shape).Clone()
		for _, a := range c.axes {
			kept[a] = 1
		}
		more("", "ReduceMean", c.name, graph.MakeAttrs("axes", c.axes), x)
		more("", "ReduceMax", c.name, graph.MakeAttrs("axes", c.axes, "keepdims", 0), x)
		axes := make([]int64, len(c.axes))
		for i, a := range c.axes {
			axes[i] = int64(a)
		}
		more("", "ReduceSum", c.name, nil, x, tensor.Vector(axes...)).Const = []int{1}
		more(op.Internal, "SumTo", c.name, graph.MakeAttrs("shape", []int(kept)), x)
	}
	for _, shape := range [][]int{{3, 65, 130}, {700, 65}, {2, 20000}, {1000, 3}, {5, 1}} {
		attrs := graph.MakeAttrs("axis", len(shape)-1)
		x := normal(1, shape...)
		more("", "Softmax", "rows", attrs, x)
		more("", "LogSoftmax", "rows", attrs, x)
		more(op.Internal, "SoftmaxGrad", "rows", attrs, x, op.Uniform(2, 0, 1, shape...))
		more(op.Internal, "LogSoftmaxGrad", "rows", attrs, x, op.Uniform(2, -5, 0, shape...))
		c := shape[len(shape)-1]
		if c == 1 {
			continue // the variance of one number is 0, and its inverse root magnifies rounding
		}
		scale, bias := op.Uniform(3, 0.5, 1.5, c), normal(4, c)
		more("", "LayerNormalization", "rows", attrs, x, scale, bias).Outs = 3
		more("", "LayerNormalization", "without bias", attrs, x, scale)
		stats := append([]int{}, shape...)
		stats[len(stats)-1] = 1
		more(op.Internal, "LayerNormGrad", "rows", attrs, normal(5, shape...), x, scale,
			op.Uniform(6, -0.1, 0.1, stats...), op.Uniform(7, 0.5, 1.5, stats...)).Outs = 3
	}
	more("", "InstanceNormalization", "planes", nil, normal(1, 3, 16, 33, 17), normal(2, 16), normal(3, 16))
	losses()
}

func losses() {
	for _, shape := range [][]int{{700, 65}, {128, 10}, {3, 7, 20, 30}} {
		for _, reduction := range []string{"mean", "sum", "none"} {
			labels := append([]int{shape[0]}, shape[2:]...)
			x, y, w := normal(1, shape...), ints(2, shape[1], labels...), op.Uniform(3, 0.5, 1, shape[1])
			attrs := graph.MakeAttrs("reduction", reduction, "ignore_index", 3)
			more("", "SoftmaxCrossEntropyLoss", reduction, attrs, x, y, w).Outs = 2
			more("", "SoftmaxCrossEntropyLoss", reduction+", loss alone", attrs, x, y)
			dloss := tensor.Scalar(float32(1.5))
			if reduction == "none" {
				dloss = normal(4, labels...)
			}
			more(op.Internal, "SoftmaxCrossEntropyGrad", reduction, attrs, dloss, op.Uniform(5, -6, 0, shape...), y, w)
		}
	}
}
