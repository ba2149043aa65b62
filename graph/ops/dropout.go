package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// The standard Dropout stands for inference, where it does nothing: training replaces it by the internal Dropout, whose
// random numbers are a run's own. It drops elements where training_mode asks for that and the model is run as it is.
func init() {
	for _, since := range []int{7, 10, 12, 13, 22} {
		op.Register(op.Def{
			Type: "Dropout", Since: since,
			Infer:   inferDropout,
			NoGrad:  []int{1, 2},
			Grad:    func(b *op.Backward) { b.Set(0, b.Grad(0)) },
			Eval:    evalDropout,
			Random:  true,
			Samples: func() []op.Sample { return dropoutSamples(since) },
		})
	}
}

func inferDropout(n *graph.Node) error {
	most, mask := 3, tensor.Bool
	if n.Op.Since < 12 {
		most = 1
	}
	if err := inputs(n, 1, most); err != nil {
		return err
	}
	for i, s := range []types{floats, floats, boolean}[:most] {
		if err := allow(n, i, s); err != nil {
			return err
		}
		if v := n.Input(i); i > 0 && v != nil && v.Type.Shape.Elems() != 1 {
			return fmt.Errorf("input %d, %q, of shape %v is not one number", i, v.Name, v.Type.Shape)
		}
	}
	if n.Op.Since < 10 {
		mask = typeOf(n, 0)
	}
	if err := set(n, 1, mask, shapeOf(n, 0)); err != nil {
		return err
	}
	return set(n, 0, typeOf(n, 0), shapeOf(n, 0))
}

func evalDropout(n *graph.Node, in, out []*tensor.Tensor) error {
	training, ratio := bound(in, 2), 0.5
	if t := bound(in, 1); t != nil {
		ratio = t.Float64s()[0]
	}
	kept := apply(make([]float64, out[0].Elems()), constantly(1))
	if training == nil || training.Data[0] == 0 || ratio == 0 {
		copy(out[0].Data, in[0].Data)
	} else {
		if !(ratio > 0 && ratio < 1) {
			return fmt.Errorf("ratio %v is outside of [0, 1)", ratio)
		}
		x, d := in[0].Float64s(), drawOf(n)
		for i := range x {
			x[i] /= 1 - ratio
			if d.uniform(i) < ratio {
				x[i], kept[i] = 0, 0
			}
		}
		out[0].SetFloat64s(x)
	}
	if len(out) > 1 && out[1] != nil {
		out[1].SetFloat64s(kept)
	}
	return nil
}

func dropoutSamples(since int) []op.Sample {
	x, kept := floats32([]int{2, 2}, 1, -2, 0, 4), tensor.Of(tensor.Shape{2, 2}, true, true, true, true)
	masked := op.Sample{Name: "mask", In: one(x), Outs: 2, Want: []*tensor.Tensor{x, kept}}
	if since < 10 {
		masked.Want[1] = floats32([]int{2, 2}, 1, 1, 1, 1)
	}
	all := []op.Sample{example("inference", x, x), masked}
	if since < 12 {
		return append(all, with(example("ratio", x, x), "ratio", 0.75))
	}
	ratio := func(r float32) *tensor.Tensor { return tensor.Scalar(r) }
	return append(all,
		example("ratio", x, x, ratio(0.75)),
		example("ratio, inference", x, x, ratio(0.75), tensor.Scalar(false)),
		op.Sample{Name: "ratio 0 in training", In: []*tensor.Tensor{x, ratio(0), tensor.Scalar(true)}, Outs: 2,
			Want: []*tensor.Tensor{x, kept}})
}
