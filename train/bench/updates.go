package bench

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Update is the timing of an optimizer's updates alone.
type Update struct {
	Optimizer  string  `json:"optimizer"` // with its settings, as given
	MS         float64 `json:"ms"`        // median of an update
	MSMin      float64 `json:"ms_min"`
	MSMax      float64 `json:"ms_max"` // such as that of an update that computes roots
	MSMean     float64 `json:"ms_mean"`
	MSCopies   float64 `json:"ms_copies,omitempty"` // median of the copies that a step of a program takes besides
	Updates    int     `json:"updates"`
	Elements   int     `json:"elements"`
	NSPerElem  float64 `json:"ns_per_element"` // of the mean
	StateBytes int64   `json:"state_bytes"`
	GFLOPS     float64 `json:"gflops,omitempty"` // of what the optimizer says it does, in the mean
}

// Updates times n updates of params by the optimizer that text names, with random gradients that change from one to the
// next, after two that are not counted.
func Updates(pool *par.Pool, text string, params []registry.ParamInfo, n int) (*Update, error) {
	entry, settings, err := registry.Parse(text)
	if err != nil {
		return nil, err
	}
	opt, hypers, err := entry.New(settings)
	if err != nil {
		return nil, err
	}
	costs, known, err := registry.Costs(opt, params)
	if err != nil {
		return nil, err
	}
	stepper, err := registry.NewStepper(opt, params, nil)
	if err != nil {
		return nil, err
	}
	defer stepper.Close()
	u := &Update{Optimizer: text, Updates: n}
	flops := 0.0
	for _, c := range costs {
		u.StateBytes += c.State
		flops += c.FLOPs
	}
	const batches = 3
	values, grads := draws(params, 0, 0.1), [batches][]*tensor.Tensor{}
	for i := range grads {
		grads[i] = draws(params, uint64(i)+1, 0.01)
	}
	var l *lent
	if joint, ok := opt.(registry.Joint); ok {
		if l, err = lend(joint, values); err != nil {
			return nil, err
		}
		defer l.free()
		values = l.values
	}
	for _, v := range values {
		u.Elements += v.Elems()
	}
	var times, copies []float64
	for i := range n + 2 {
		g := grads[i%batches]
		if l != nil {
			start := time.Now()
			stepper.Keep(pool, values)
			g = l.gradients(pool, g)
			copies = append(copies, ms(time.Since(start)))
		}
		c := registry.Context{Step: i + 1, LR: 1e-6, WeightDecay: hypers.WeightDecay, LossTerms: 128, Pool: pool}
		start := time.Now()
		if err := stepper.Step(c, values, g); err != nil {
			return nil, fmt.Errorf("%s: update %d: %w", text, i+1, err)
		}
		if i >= 2 {
			times = append(times, ms(time.Since(start)))
		}
	}
	for _, x := range times {
		u.MSMean += x / float64(n)
	}
	if l != nil {
		u.MSCopies = median(copies[2:])
	}
	u.MS, u.MSMin, u.MSMax = median(times), slices.Min(times), slices.Max(times)
	u.NSPerElem = u.MSMean * 1e6 / float64(max(u.Elements, 1))
	if known {
		u.GFLOPS = flops / (u.MSMean * 1e6)
	}
	return u, nil
}

// draws makes normal tensors of the parameters' shapes.
func draws(params []registry.ParamInfo, seed uint64, scale float64) []*tensor.Tensor {
	r := rand.New(rand.NewPCG(seed, 0))
	var all []*tensor.Tensor
	for _, p := range params {
		x := make([]float64, p.Shape.Elems())
		for i := range x {
			x[i] = scale * r.NormFloat64()
		}
		t := tensor.New(p.DType, p.Shape...)
		t.SetFloat64s(x)
		all = append(all, t)
	}
	return all
}
