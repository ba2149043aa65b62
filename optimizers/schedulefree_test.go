package optimizers

import (
	"testing"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// TestScheduleFreeAverage checks that the evaluation weights are the average of the base sequence that the paper defines.
func TestScheduleFreeAverage(t *testing.T) {
	const n = 12
	for _, opt := range []string{"schedulefree,lr=0.1,beta1=0.7", "schedulefree,inner=sgd,lr=0.1,weight_decay=0.01"} {
		t.Run(opt, func(t *testing.T) {
			start := normals(1, n)
			p := newPath(t, opt, 1, tensor.Shape{n}, start)
			view := p.Optimizer.(registry.EvalView)
			x := tensor.New(tensor.Float64, n)
			eval := func(step int) []float64 {
				t.Helper()
				param := registry.Param{Info: p.Params[0], Value: p.w, Step: step}
				for _, s := range p.Slots {
					param.Slots = append(param.Slots, s.Tensor)
				}
				if err := view.EvalWeights(x, &param); err != nil {
					t.Fatal(err)
				}
				return tensor.Slice[float64](x)
			}
			near(t, eval(0), start, 0)
			average := append([]float64{}, start...)
			for k := range 20 {
				p.step(t, normals(uint64(k)+2, n))
				for i, z := range p.slot(t, "z") {
					average[i] += (z - average[i]) / float64(k+1) // lr is constant
				}
				near(t, eval(k+1), average, 1e-12)
			}
		})
	}
}
