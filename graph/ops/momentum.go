package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
)

func init() {
	attrs := graph.MakeAttrs("alpha", 0.5, "beta", 0.25, "norm_coefficient", 0.5, "mode", "standard")
	nesterov := attrs.With("mode", "nesterov")
	optimizerOp("Momentum", 1, attrs, momentumStep,
		// A gradient of 2+4/2 is added to half the momentum of 6, from the second update on times 1/4.
		stepSample("first", attrs, 0.5, 0, []float32{4, 2, 6}, []float32{4 - 7./2, 7}),
		stepSample("second", attrs, 0.5, 1, []float32{4, 2, 6}, []float32{4 - 4./2, 4}),
		stepSample("nesterov", nesterov, 0.5, 1, []float32{4, 2, 6}, []float32{4 - (4+4./2)/2, 4}))
}

func momentumStep(n *graph.Node) (optimizerStep, error) {
	for _, name := range []string{"alpha", "beta", "norm_coefficient", "mode"} {
		if !n.Attrs.Has(name) {
			return nil, fmt.Errorf("attribute %s is missing", name)
		}
	}
	alpha, beta, norm := n.Attrs.Float("alpha", 0), n.Attrs.Float("beta", 0), n.Attrs.Float("norm_coefficient", 0)
	mode := n.Attrs.String("mode", "")
	if mode != "standard" && mode != "nesterov" {
		return nil, fmt.Errorf("attribute mode is %q; standard and nesterov are known", mode)
	}
	return func(rate float64, count int64) func(x, g float64, slots []float64) float64 {
		scale := beta
		if count <= 0 {
			scale = 1
		}
		return func(x, g float64, slots []float64) float64 {
			g += norm * x
			slots[0] = alpha*slots[0] + scale*g
			if mode == "nesterov" {
				return x - rate*(g+alpha*slots[0])
			}
			return x - rate*slots[0]
		}
	}, nil
}
