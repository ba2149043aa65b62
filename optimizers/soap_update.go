package optimizers

import (
	"fmt"
	"math"
	"slices"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// soapEngine updates parameters of one precision.
type soapEngine[T number] struct {
	plans[*soapPlan]
	arenas[T]
}

// soapWork is an update in progress.
type soapWork[T number] struct {
	*soapConfig
	*soapPlan
	*arena[T]
	mean, square      []T
	statistics, basis []T
}

func (e *soapEngine[T]) update(o *soapConfig, c registry.Context, p *registry.Param) error {
	plan, ok := e.get(p.Info.Name)
	if !ok || !plan.shape.Equal(p.Info.Shape) {
		plan = newSOAPPlan(o, p.Info.Shape)
		e.put(p.Info.Name, plan)
	}
	w := soapWork[T]{soapConfig: o, soapPlan: plan, arena: e.borrow(c.Pool), mean: tensor.Slice[T](p.Slots[0]), square: tensor.Slice[T](p.Slots[1])}
	defer e.giveBack(w.arena)
	if plan.size > 0 {
		w.statistics, w.basis = tensor.Slice[T](p.Slots[2]), tensor.Slice[T](p.Slots[3])
	}
	g := tensor.Slice[T](p.Grad)
	if p.Step == 1 {
		w.gather(g)
		return w.decompose()
	}
	k := p.Step - 1
	w.step(c, tensor.Slice[T](p.Value), w.direction(w.rotate(g, true)), k)
	mean := w.rotate(w.mean, false)
	w.gather(g)
	if k%o.Interval == 0 {
		if err := w.turn(); err != nil {
			return err
		}
	}
	copy(w.mean, w.rotate(mean, true))
	return nil
}

// rotate takes x into the bases, or back out of them.
func (w *soapWork[T]) rotate(x []T, into bool) []T {
	for n, d := range w.dims {
		if w.at[n] >= 0 {
			y := w.take(len(x))
			along(w.arena, x, y, w.dims, n, denseClass[T]{d}, w.basis[w.at[n]:][:d*d], into)
			x = y
		}
	}
	return x
}

// direction adds the rotated gradient to the moments and returns the step, rotated back.
func (w *soapWork[T]) direction(g []T) []T {
	beta1, rate1, beta2, rate2, eps := T(w.Beta1), T(1-w.Beta1), T(w.Beta2), T(1-w.Beta2), T(w.Eps)
	out := w.take(len(g))
	for i, x := range g {
		m := beta1*w.mean[i] + rate1*x
		v := beta2*w.square[i] + rate2*(x*x)
		w.mean[i], w.square[i] = m, v
		out[i] = 0
		if m != 0 { // without eps the square may be 0 too
			out[i] = m / (T(math.Sqrt(float64(v))) + eps)
		}
	}
	return w.rotate(out, false)
}

func (w *soapWork[T]) step(c registry.Context, value, u []T, k int) {
	size := c.LR
	if w.BiasCorrection {
		size *= math.Sqrt(1-math.Pow(w.Beta2, float64(k))) / (1 - math.Pow(w.Beta1, float64(k)))
	}
	if w.Normalize {
		size /= 1e-30 + length(u)/math.Sqrt(float64(len(u)))
	}
	by, shrink := T(size), T(1-c.LR*c.WeightDecay)
	for i, x := range u {
		value[i] = shrink * (value[i] - by*x)
	}
}

// gather adds g to the statistics.
func (w *soapWork[T]) gather(g []T) {
	memory := T(w.memory())
	for n, d := range w.dims {
		if w.at[n] < 0 {
			continue
		}
		mark := w.used
		u := viewAxis(g, w.dims, n).unfold(w.arena)
		gemm(w.arena, T(1-w.memory()), u, u.t(), memory, square(w.statistics[w.at[n]:], d))
		w.release(mark)
	}
}

// decompose makes the bases the eigenvectors of the statistics, the largest eigenvalues first.
func (w *soapWork[T]) decompose() error {
	for n, d := range w.dims {
		if w.at[n] < 0 {
			continue
		}
		s := borrowSpectrum(d)
		for i, x := range w.statistics[w.at[n]:][:d*d] {
			s.a[i] = float64(x)
		}
		err := finite(s.a)
		if err == nil {
			err = s.solve(w.pool)
		}
		basis := w.basis[w.at[n]:][:d*d]
		for i, x := range s.vectors { // eigenvectors are rows
			basis[i%d*d+d-1-i/d] = T(x)
		}
		spectra.Put(s)
		if err != nil {
			return fmt.Errorf("statistics of axis %d (size %d): %w", n, d, err)
		}
	}
	return nil
}

func finite[T number](x []T) error {
	for _, v := range x {
		if v-v != 0 {
			return fmt.Errorf("no longer finite; lower lr")
		}
	}
	return nil
}

// turn takes one step of orthogonal iteration along every axis.
func (w *soapWork[T]) turn() error {
	for n, d := range w.dims {
		if w.at[n] < 0 {
			continue
		}
		mark := w.used
		l, q := square(w.statistics[w.at[n]:], d), square(w.basis[w.at[n]:], d)
		lq := square(w.take(d*d), d)
		gemm(w.arena, 1, l, q, 0, lq)
		if err := finite(lq.data); err != nil {
			return fmt.Errorf("statistics of axis %d (size %d): %w", n, d, err)
		}
		order := descending(q.data, lq.data, d)
		sorted := square(w.take(d*d), d)
		for i := range d {
			for j, from := range order {
				sorted.data[i*d+j] = lq.data[i*d+from]
			}
		}
		orthonormal(w.arena, sorted, q)
		w.permute(n, order)
		w.release(mark)
	}
	return nil
}

// descending orders the columns of q by their Rayleigh quotients diag(Qᵀ·L·Q), from L·Q.
func descending[T number](q, lq []T, d int) []int {
	quotient := make([]float64, d)
	order := make([]int, d)
	for j := range d {
		order[j] = j
	}
	for i := range d {
		for j := range d {
			quotient[j] += float64(q[i*d+j]) * float64(lq[i*d+j])
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case quotient[a] > quotient[b]:
			return -1
		case quotient[a] < quotient[b]:
			return 1
		}
		return 0
	})
	return order
}

// permute reorders the squares along an axis as the basis was.
func (w *soapWork[T]) permute(axis int, order []int) {
	v := viewAxis(w.square, w.dims, axis)
	old := w.take(len(w.square))
	copy(old, w.square)
	for l := range v.left {
		for i, from := range order {
			copy(w.square[(l*v.d+i)*v.right:][:v.right], old[(l*v.d+from)*v.right:])
		}
	}
}
