package conform

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// regression is 32 examples of y = W·x + b, to fit by the squared error's mean over examples.
type regression struct{ x, y []float64 }

const examples = 32

func newRegression() regression {
	weight := random(tensor.Float64, layers[0].Shape, 1, 100, 0).Float64s()
	bias := random(tensor.Float64, layers[1].Shape, 1, 101, 0).Float64s()
	r := regression{x: random(tensor.Float64, tensor.Shape{examples, layers[0].Shape[1]}, 1, 102, 0).Float64s()}
	for n := range examples {
		r.y = append(r.y, predict(weight, bias, r.input(n))...)
	}
	return r
}

func (r regression) input(n int) []float64 {
	in := layers[0].Shape[1]
	return r.x[n*in:][:in]
}

func predict(weight, bias, x []float64) []float64 {
	out := append([]float64{}, bias...)
	for i := range out {
		for j, v := range x {
			out[i] += weight[i*len(x)+j] * v
		}
	}
	return out
}

// gradients writes m.grads and returns the loss.
func (r regression) gradients(m *model) float64 {
	weight, bias := m.values[0].Float64s(), m.values[1].Float64s()
	dw, db := make([]float64, len(weight)), make([]float64, len(bias))
	loss := 0.0
	for n := range examples {
		x := r.input(n)
		for i, p := range predict(weight, bias, x) {
			e := p - r.y[n*len(bias)+i]
			loss += e * e / 2 / examples
			db[i] += e / examples
			for j, v := range x {
				dw[i*len(x)+j] += e * v / examples
			}
		}
	}
	m.grads[0].SetFloat64s(dw)
	m.grads[1].SetFloat64s(db)
	return loss
}

// converges checks that some learning rate brings linear regression down.
func converges(e *registry.Entry) error {
	best := math.Inf(1)
	for exponent := -8.0; exponent <= 2; exponent++ {
		lr := math.Pow(10, exponent/2)
		m, err := start(e, registry.Settings{"lr": lr, "weight_decay": 0}, tensor.Float32, layers[:2])
		if err != nil {
			return err
		}
		r := newRegression()
		before := r.gradients(m)
		after := before
		for range 400 {
			// A rate that is too large may fail; another will do.
			if err := m.step(m.grads); err != nil {
				after = math.Inf(1)
				break
			}
			after = r.gradients(m)
		}
		if !math.IsNaN(after) {
			best = min(best, after/before)
		}
	}
	if !(best < 0.1) {
		return fmt.Errorf("400 steps of linear regression leave %.2g of the loss at best", best)
	}
	return nil
}
