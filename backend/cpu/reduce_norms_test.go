package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

func init() {
	for _, c := range []struct {
		name  string
		shape []int
		axes  []int
	}{
		{"all, long", []int{3, 65, 130}, []int{0, 1, 2}},
		{"trailing", []int{65, 13, 70}, []int{1, 2}},
		{"trailing, longer than a chunk", []int{3, 50000}, []int{1}},
		{"leading", []int{700, 65}, []int{0}},
		{"leading, wide", []int{30, 3000}, []int{0}},
		{"all but channels", []int{12, 16, 33, 17}, []int{0, 2, 3}},
		{"middle", []int{4, 300, 70}, []int{1}},
		{"every other", []int{3, 40, 5, 60, 7}, []int{1, 3}},
	} {
		x := op.Uniform(1, 0.2, 1.2, c.shape...)
		for i := range x.F32() {
			if i%3 == 0 {
				x.F32()[i] = -x.F32()[i]
			}
		}
		attrs := graph.MakeAttrs("axes", c.axes)
		for _, typ := range []string{"ReduceMin", "ReduceL1", "ReduceL2", "ReduceSumSquare"} {
			more("", typ, c.name, attrs, x)
		}
		more("", "ReduceLogSum", c.name, attrs, op.Uniform(2, 0.5, 2, c.shape...))
		more("", "ReduceLogSumExp", c.name, attrs, op.Uniform(2, -9, 9, c.shape...))
	}
	more("", "ReduceProd", "rows", graph.MakeAttrs("axes", []int{1}), op.Uniform(1, 0.8, 1.2, 65, 130))
	more("", "ReduceProd", "columns", graph.MakeAttrs("axes", []int{0}), op.Uniform(1, 0.8, 1.2, 65, 130))
}
