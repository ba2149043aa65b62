package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// cellState is what a recurrent layer carries from step to step: h, and c in an LSTM.
type cellState struct{ h, c []float64 }

// cell is one direction of a recurrent layer. step gives the state that follows s after x. Its back is given the
// gradient of that state, adds to the gradients of x and of the weights, and returns the gradient of s.
type cell interface {
	step(x []float64, s cellState) (next cellState, back func(dx []float64, ds cellState) cellState)
}

// weights are a weight tensor of all directions and its gradient; empty when the input is absent.
type weights struct{ value, grad []float64 }

func weightsOf(t *tensor.Tensor, shape tensor.Shape) weights {
	w := weights{make([]float64, shape.Elems()), make([]float64, shape.Elems())}
	if t != nil {
		copy(w.value, t.Float64s())
	}
	return w
}

// of is the part of direction d.
func (w weights) of(d, dirs int) weights {
	size := len(w.value) / dirs
	return weights{w.value[d*size:][:size], w.grad[d*size:][:size]}
}

// multiply adds the rows [from, from+len(y)) of the matrix times x to y.
func (w weights) multiply(y, x []float64, from int) {
	for i := range y {
		row := w.value[(from+i)*len(x):][:len(x)]
		for j, v := range x {
			y[i] += row[j] * v
		}
	}
}

// back adds what dy, the gradient of multiply's y, gives the matrix and x.
func (w weights) back(dy, x, dx []float64, from int) {
	for i, g := range dy {
		row, grad := w.value[(from+i)*len(x):][:len(x)], w.grad[(from+i)*len(x):][:len(x)]
		for j, v := range x {
			grad[j] += g * v
			dx[j] += g * row[j]
		}
	}
}

// layer is a recurrent node with its weights.
type layer struct {
	Recurrence
	w, r, b, p weights
}

func layerOf(n *graph.Node, in []*tensor.Tensor) (*layer, error) {
	r, err := RecurrenceOf(n)
	if err != nil {
		return nil, err
	}
	l := &layer{Recurrence: r, w: weightsOf(in[1], in[1].Shape), r: weightsOf(in[2], in[2].Shape), b: weightsOf(at(in, 3), r.biasShape())}
	if r.gates == 4 {
		l.p = weightsOf(at(in, 7), r.peepholeShape())
	}
	return l, nil
}

// at is tensor i of a list that may be shorter.
func at(list []*tensor.Tensor, i int) *tensor.Tensor {
	if i < len(list) {
		return list[i]
	}
	return nil
}

// numbers are the elements, or zeros when the tensor is absent.
func numbers(t *tensor.Tensor, shape tensor.Shape) []float64 {
	if t == nil {
		return make([]float64, shape.Elems())
	}
	return t.Float64s()
}

// store sets output i, if it is asked for.
func store(out []*tensor.Tensor, i int, v []float64) {
	if t := at(out, i); t != nil {
		t.SetFloat64s(v)
	}
}

// run goes through all sequences in all directions. It calls done for each with the steps that were taken, what they
// gave, what takes their gradients back, and the last state.
func (l *layer) run(in []*tensor.Tensor, make func(l *layer, d int) cell,
	done func(d, b int, steps []int, states []cellState, backs []func([]float64, cellState) cellState, last cellState)) error {
	lengths, err := l.lengths(at(in, 4))
	if err != nil {
		return err
	}
	x, h, c := in[0].Float64s(), numbers(at(in, 5), l.stateShape()), numbers(nil, l.stateShape())
	if l.gates == 4 {
		c = numbers(at(in, 6), l.stateShape())
	}
	for d := range l.Dirs {
		cell := make(l, d)
		for b := range l.Batch {
			s := cellState{h[l.StateAt(d, b):][:l.Hidden], c[l.StateAt(d, b):][:l.Hidden]}
			var states []cellState
			var backs []func([]float64, cellState) cellState
			steps := l.steps(d, int(lengths[b]))
			for _, t := range steps {
				next, back := cell.step(x[l.XAt(t, b):][:l.Input], s)
				s = next
				states, backs = append(states, s), append(backs, back)
			}
			done(d, b, steps, states, backs, s)
		}
	}
	return nil
}

// evalRecurrent computes the outputs Y, Y_h and Y_c.
func evalRecurrent(n *graph.Node, in, out []*tensor.Tensor, make func(l *layer, d int) cell) error {
	l, err := layerOf(n, in)
	if err != nil {
		return err
	}
	y, yh, yc := numbers(nil, l.yShape()), numbers(nil, l.stateShape()), numbers(nil, l.stateShape())
	err = l.run(in, make, func(d, b int, steps []int, states []cellState, _ []func([]float64, cellState) cellState, last cellState) {
		for i, t := range steps {
			copy(y[l.YAt(t, d, b):], states[i].h)
		}
		copy(yh[l.StateAt(d, b):], last.h)
		copy(yc[l.StateAt(d, b):], last.c)
	})
	for i, v := range [][]float64{y, yh, yc} {
		store(out, i, v)
	}
	return err
}

// evalRecurrentGrad computes the gradients of X, W, R, B, initial_h, initial_c and P; grads are those of Y, Y_h and
// Y_c.
func evalRecurrentGrad(n *graph.Node, in, grads, out []*tensor.Tensor, make func(l *layer, d int) cell) error {
	l, err := layerOf(n, in)
	if err != nil {
		return err
	}
	dy, dyh, dyc := numbers(grads[0], l.yShape()), numbers(grads[1], l.stateShape()), numbers(at(grads, 2), l.stateShape())
	dx, dh, dc := numbers(nil, in[0].Shape), numbers(nil, l.stateShape()), numbers(nil, l.stateShape())
	err = l.run(in, make, func(d, b int, steps []int, _ []cellState, backs []func([]float64, cellState) cellState, _ cellState) {
		from := l.StateAt(d, b)
		ds := cellState{dyh[from:][:l.Hidden], dyc[from:][:l.Hidden]}
		for i := len(steps) - 1; i >= 0; i-- {
			t := steps[i]
			for j, v := range dy[l.YAt(t, d, b):][:l.Hidden] {
				ds.h[j] += v
			}
			ds = backs[i](dx[l.XAt(t, b):][:l.Input], ds)
		}
		copy(dh[from:], ds.h)
		copy(dc[from:], ds.c)
	})
	results := [][]float64{dx, l.w.grad, l.r.grad, l.b.grad, dh}
	if l.gates == 4 {
		results = append(results, dc, l.p.grad)
	}
	for i, v := range results {
		store(out, i, v)
	}
	return err
}
