package optimizers

import (
	"math"
	"sync"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// adafactorEngine updates parameters of one precision.
type adafactorEngine[T number] struct {
	arenas[T]
	works sync.Pool
}

// adafactorWork is an update in progress. Its loops are kept so that a step allocates nothing.
type adafactorWork[T number] struct {
	*adafactorConfig
	factored
	w, g, u, momentum   []T
	square, r, c        []T // state
	memory, scale, size float64
	shrink              T
	sums                []float64 // by chunk or row
	means               []float64 // of rows, by what the middle and right axes leave
	byRow, byColumn     func(worker, lo, hi int)
	direct, move        func(worker, lo, hi int)
}

func (e *adafactorEngine[T]) update(o *adafactorConfig, c registry.Context, p *registry.Param) {
	k, _ := e.works.Get().(*adafactorWork[T])
	if k == nil {
		k = &adafactorWork[T]{}
		k.byRow, k.byColumn, k.direct, k.move = k.gatherRows, k.gatherColumns, k.directions, k.moves
	}
	a := e.borrow(c.Pool)
	k.adafactorConfig, k.factored = o, o.factor(p.Info.Shape)
	k.w, k.g = tensor.Slice[T](p.Value), tensor.Slice[T](p.Grad)
	k.u = a.take(len(k.g))
	k.run(c, p)
	e.giveBack(a)
	k.w, k.g, k.u, k.square, k.r, k.c, k.momentum = nil, nil, nil, nil, nil, nil, nil
	e.works.Put(k)
}

func (k *adafactorWork[T]) run(c registry.Context, p *registry.Param) {
	slot := 0
	next := func() []T { slot++; return tensor.Slice[T](p.Slots[slot-1]) }
	k.memory = 1 - math.Pow(float64(p.Step), k.DecayRate)
	chunks := (len(k.g) + grain - 1) / grain
	if k.rows > 0 {
		k.r, k.c = next(), next()
		k.sums = resized(k.sums, max(chunks, k.left*k.rows))
		c.For(k.left*k.rows, max(1, grain/k.slice()), k.byRow)
		c.For(k.left*k.slice(), 1024, k.byColumn)
		k.average()
		c.For(k.left*k.rows, max(1, grain/k.slice()), k.direct)
	} else {
		k.square = next()
		k.sums = resized(k.sums, chunks)
		c.For(len(k.g), grain, k.direct)
	}
	if k.Beta1 > 0 {
		k.momentum = next()
	}
	k.scale = 1 / max(1, k.rms(k.sums)/k.Clip)
	rms := 0.0
	if k.ScaleParameter {
		rms = math.Sqrt(squares(k.w) / float64(len(k.w)))
	}
	k.size = k.adafactorConfig.size(c, p.Step, rms)
	k.shrink = T(1 - k.size*c.WeightDecay)
	c.For(len(k.w), grain, k.move)
}

// slice is the number of elements of a row: middle × cols × right of them, one after another.
func (f factored) slice() int { return f.middle * f.cols * f.right }

func resized(x []float64, n int) []float64 {
	if cap(x) < n {
		return make([]float64, n)
	}
	x = x[:n]
	clear(x)
	return x
}

// rms is the root mean square of the direction whose squares are summed up in parts.
func (k *adafactorWork[T]) rms(parts []float64) float64 {
	sum := 0.0
	for _, x := range parts {
		sum += x
	}
	return math.Sqrt(sum / float64(len(k.g)))
}

// gatherRows moves R for rows [lo, hi) of left × rows.
func (k *adafactorWork[T]) gatherRows(_, lo, hi int) {
	memory, rate := T(k.memory), T(1-k.memory)
	for row := lo; row < hi; row++ {
		g := k.g[row*k.slice():][:k.slice()]
		for m := range k.middle {
			for r := range k.right {
				sum := 0.0
				for at := m*k.cols*k.right + r; at < (m+1)*k.cols*k.right; at += k.right {
					sum += float64(g[at])*float64(g[at]) + k.Eps1
				}
				to := &k.r[(row*k.middle+m)*k.right+r]
				*to = memory**to + rate*T(sum/float64(k.cols))
			}
		}
	}
}

// gatherColumns moves C for elements [lo, hi) of left × middle × cols × right.
func (k *adafactorWork[T]) gatherColumns(_, lo, hi int) {
	memory, rate := T(k.memory), T(1-k.memory)
	var sums [1024]float64
	for lo < hi {
		left, at := lo/k.slice(), lo%k.slice()
		n := min(hi-lo, k.slice()-at)
		part := sums[:n]
		clear(part)
		for i := range k.rows {
			for j, g := range k.g[(left*k.rows+i)*k.slice()+at:][:n] {
				part[j] += float64(g)*float64(g) + k.Eps1
			}
		}
		for j, sum := range part {
			to := &k.c[lo+j]
			*to = memory**to + rate*T(sum/float64(k.rows))
		}
		lo += n
	}
}

// average takes the means of R over rows.
func (k *adafactorWork[T]) average() {
	n := k.middle * k.right
	k.means = resized(k.means, k.left*n)
	for row := range k.left * k.rows {
		left := row / k.rows
		for j, x := range k.r[row*n:][:n] {
			k.means[left*n+j] += float64(x) / float64(k.rows)
		}
	}
}

// directions computes u for rows, or for elements of what is not factored, and sums its squares.
func (k *adafactorWork[T]) directions(_, lo, hi int) {
	if k.rows == 0 {
		k.sums[lo/grain] = k.plain(lo, hi)
		return
	}
	for row := lo; row < hi; row++ {
		k.sums[row] = k.ofRank1(row)
	}
}

func (k *adafactorWork[T]) plain(lo, hi int) (sum float64) {
	memory, rate := T(k.memory), T(1-k.memory)
	u, square := k.u[lo:hi], k.square[lo:hi]
	for i, g := range k.g[lo:hi] {
		v := memory*square[i] + rate*(g*g+T(k.Eps1))
		square[i] = v
		u[i] = 0
		if g != 0 { // without eps1 v may be 0 too
			u[i] = g / T(math.Sqrt(float64(v)))
		}
		sum += float64(u[i]) * float64(u[i])
	}
	return sum
}

func (k *adafactorWork[T]) ofRank1(row int) (sum float64) {
	left := row / k.rows
	g, u := k.g[row*k.slice():][:k.slice()], k.u[row*k.slice():][:k.slice()]
	cols := k.c[left*k.slice():][:k.slice()]
	n := k.cols * k.right
	for m := range k.middle {
		for r := range k.right {
			// Roots apart: the product of two small means may be 0.
			share := float64(k.r[(row*k.middle+m)*k.right+r]) / k.means[(left*k.middle+m)*k.right+r]
			factor := T(1 / math.Sqrt(share))
			for at := m*n + r; at < (m+1)*n; at += k.right {
				u[at] = 0
				if g[at] != 0 {
					u[at] = g[at] * factor / T(math.Sqrt(float64(cols[at])))
				}
				sum += float64(u[at]) * float64(u[at])
			}
		}
	}
	return sum
}

// moves takes the step for elements [lo, hi).
func (k *adafactorWork[T]) moves(_, lo, hi int) {
	by := T(k.scale * k.size)
	w, u := k.w[lo:hi], k.u[lo:hi]
	if k.momentum == nil {
		for i, x := range u {
			w[i] = k.shrink*w[i] - by*x
		}
		return
	}
	keep, rate := T(k.Beta1), T(1-k.Beta1)*by
	momentum := k.momentum[lo:hi]
	for i, x := range u {
		m := keep*momentum[i] + rate*x
		momentum[i] = m
		w[i] = k.shrink*w[i] - m
	}
}
