package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// labelsFor are class indices that cycle through all classes.
func labelsFor(classes int, shape ...int) *tensor.Tensor {
	t := tensor.New(tensor.Int64, shape...)
	for i := range t.I64() {
		t.I64()[i] = int64(i * 2 % classes)
	}
	return t
}

// labelledSamples are scores or log-probabilities with labels in every reduction, shape and combination of options.
func labelledSamples() []op.Sample {
	var all []op.Sample
	of := func(name string, attrs graph.Attrs, in ...*tensor.Tensor) {
		all = append(all, op.Sample{Name: name, Attrs: attrs, In: in})
	}
	weights := floats32([]int{3}, 0.5, 2, 0.25)
	for _, reduction := range []string{"mean", "sum", "none"} {
		attrs := graph.MakeAttrs("reduction", reduction)
		of(reduction, attrs, op.Normalish(1, 4, 3), labelsFor(3, 4))
		of(reduction+", weights", attrs, op.Normalish(2, 4, 3), labelsFor(3, 4), weights)
		of(reduction+", ignore", attrs.With("ignore_index", 2), op.Normalish(3, 4, 3), labelsFor(3, 4))
		of(reduction+", ignore a label that is no class", attrs.With("ignore_index", -100),
			op.Normalish(4, 4, 3), tensor.Vector[int64](2, -100, 0, -100), weights)
		of(reduction+", pixels", attrs.With("ignore_index", 0), op.Normalish(5, 2, 3, 2, 2), labelsFor(3, 2, 2, 2), weights)
		of(reduction+", every label ignored", attrs.With("ignore_index", 1), op.Normalish(6, 2, 3), tensor.Vector[int64](1, 1))
	}
	of("labels of 32 bits", nil, op.Normalish(7, 2, 3, 5), tensor.Of[int32](tensor.Shape{2, 5}, 0, 1, 2, 2, 1, 0, 1, 2, 0, 1))
	return all
}

func crossEntropySamples() []op.Sample {
	all := labelledSamples()
	for i := range all {
		if i%2 == 0 {
			all[i].Outs = 2
		}
	}
	scores, weights := floats32([]int{2, 3}, 1, 0, -1, 0.5, 0.25, 0), floats32([]int{3}, 0.5, 2, 0.25)
	for _, c := range []struct {
		reduction string
		want      *tensor.Tensor
	}{ // torch.nn.functional.cross_entropy(…, weight=[0.5, 2, 0.25])
		{"mean", tensor.Scalar[float32](0.97699165)},
		{"sum", tensor.Scalar[float32](2.4424791)},
		{"none", tensor.Vector[float32](0.20380297, 2.2386761)},
	} {
		all = append(all, op.Sample{Name: c.reduction + " by PyTorch", Attrs: graph.MakeAttrs("reduction", c.reduction),
			In: []*tensor.Tensor{scores, tensor.Vector[int64](0, 1), weights}, Want: one(c.want)})
	}
	none := op.Sample{Name: "nothing to average", Attrs: graph.MakeAttrs("ignore_index", 1), Want: one(tensor.Scalar[float32](0)),
		In: []*tensor.Tensor{floats32([]int{1, 2}, 1, 2), tensor.Vector[int64](1)}}
	return append(all, none)
}
