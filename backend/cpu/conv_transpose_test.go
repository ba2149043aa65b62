package cpu

import "github.com/onnxtrain/onnxtrain/graph"

func init() {
	up := graph.MakeAttrs("strides", []int{2, 2}, "pads", []int{1, 1, 1, 1}, "output_padding", []int{1, 1})
	more("", "ConvTranspose", "stride 2", up, normal(1, 3, 16, 13, 17), normal(2, 16, 20, 3, 3), normal(3, 20))
	more("", "ConvTranspose", "stride 1, groups", graph.MakeAttrs("group", 2), normal(1, 2, 16, 13, 17), normal(2, 16, 10, 3, 3))
}
