package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

func init() {
	x, skip, scale, bias := normal(1, 3, 65, 130), normal(2, 3, 65, 130), op.Uniform(3, 0.5, 1.5, 130), normal(4, 130)
	more("", "RMSNormalization", "rows", nil, x, scale).opset = 23
	more("", "SimplifiedLayerNormalization", "rows", nil, x, scale).Outs = 2
	more("com.microsoft", "SimplifiedLayerNormalization", "rows", nil, x, scale)
	more("com.microsoft", "SkipLayerNormalization", "rows", nil, x, skip, scale, bias, normal(5, 130)).Outs = 4
	more("com.microsoft", "SkipLayerNormalization", "without bias", nil, x, skip, scale)
	more("com.microsoft", "SkipSimplifiedLayerNormalization", "rows", nil, x, skip, scale, bias).Outs = 4
	for _, p := range []int{1, 2} {
		more("", "LpNormalization", "rows", graph.MakeAttrs("p", p), x)
	}
	planes := normal(1, 3, 16, 33, 17)
	more("", "GroupNormalization", "channels", graph.MakeAttrs("num_groups", 4), planes, normal(2, 16), normal(3, 16)).opset = 21
	more("", "GroupNormalization", "groups", graph.MakeAttrs("num_groups", 4), planes, normal(2, 4), normal(3, 4)).opset = 18
}
