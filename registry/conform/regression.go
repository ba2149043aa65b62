package conform

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// regression is y = W·x + b + noise, to fit by the squared error's mean over batches of fresh examples. The noise keeps
// gradients from vanishing at the minimum: methods that divide by the curvature they see in gradients would take ever
// larger steps there, and rounding would decide where they end.
type regression struct {
	weight, bias []float64 // that explain the examples
	random       *rand.Rand
}

const (
	batch = 32
	noise = 0.5
)

func newRegression() *regression {
	return &regression{
		weight: random(tensor.Float64, layers[0].Shape, 1, 100, 0).Float64s(),
		bias:   random(tensor.Float64, layers[1].Shape, 1, 101, 0).Float64s(),
		random: rand.New(rand.NewPCG(102, 0)),
	}
}

func (r *regression) normals(n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = r.random.NormFloat64()
	}
	return out
}

// gradients writes m.grads for a new batch.
func (r *regression) gradients(m *model) {
	weight, bias := m.values[0].Float64s(), m.values[1].Float64s()
	dw, db := make([]float64, len(weight)), make([]float64, len(bias))
	in := layers[0].Shape[1]
	for range batch {
		x, off := r.normals(in), r.normals(len(bias))
		for i := range bias {
			e := bias[i] - r.bias[i] - noise*off[i]
			for j, v := range x {
				e += (weight[i*in+j] - r.weight[i*in+j]) * v
			}
			db[i] += e / batch
			for j, v := range x {
				dw[i*in+j] += e * v / batch
			}
		}
	}
	m.grads[0].SetFloat64s(dw)
	m.grads[1].SetFloat64s(db)
}

// excess is the expected loss above that of the noise.
func (r *regression) excess(m *model) float64 {
	sum := 0.0
	for i, want := range [][]float64{r.weight, r.bias} {
		for j, x := range m.values[i].Float64s() {
			sum += (x - want[j]) * (x - want[j]) / 2
		}
	}
	return sum
}

// converges checks that some learning rate, falling to 0, brings linear regression down.
func converges(e *registry.Entry) error {
	const total = 400
	best := math.Inf(1)
	for exponent := -8.0; exponent <= 2; exponent++ {
		m, err := start(e, registry.Settings{"lr": math.Pow(10, exponent/2), "weight_decay": 0}, tensor.Float32, layers[:2])
		if err != nil {
			return err
		}
		r := newRegression()
		before := r.excess(m)
		lr := m.lr
		for step := range total {
			r.gradients(m)
			m.lr = lr * (1 - float64(step)/total)
			// A rate that is too large may fail; another will do.
			if m.step(m.grads) != nil {
				break
			}
		}
		if after := r.excess(m); m.done == total && !math.IsNaN(after) {
			best = min(best, after/before)
		}
	}
	if !(best < 0.01) {
		return fmt.Errorf("%d steps of linear regression leave %.2g of the excess loss at best", total, best)
	}
	return nil
}
