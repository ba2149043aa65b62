// Package optimizers holds the built-in optimizers, one a file, each registered by name.
package optimizers

import (
	"fmt"
	"sync"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// number is a precision that updates are computed in: the parameter's own.
type number interface{ float32 | float64 }

// grain is the chunk of an elementwise update: small enough for the second-level cache with four arrays in play.
const grain = 16384

// chunk is a run of elements of a parameter, its gradient and its state, in the order of the declared slots. Passes that
// measure add to its sums.
type chunk[T, S tensor.Element] struct {
	w, g []T
	s    [3][]S
	sums *sums
}

// sums are totals over elements, such as squared norms.
type sums [2]float64

// sweep is one pass of an update over a parameter's elements. It is kept for reuse with its loop body, so that a
// step allocates nothing.
type sweep[T, S tensor.Element, H any] struct {
	all  chunk[T, S]
	step H
	pass func(step *H, c chunk[T, S])
	loop func(worker, lo, hi int)
	part []sums // by chunk, so that totals do not depend on the number of threads
}

// sweeps runs an elementwise update in the parameter's precision. H holds what the update reads besides the chunk.
type sweeps[H any] struct{ f32, f64, bf16 sync.Pool }

// run updates p by the pass of its precision; its state is of the same.
func (s *sweeps[H]) run(c registry.Context, p *registry.Param, step H, f32 func(*H, chunk[float32, float32]), f64 func(*H, chunk[float64, float64])) error {
	_, err := s.measure(c, p, p.Slots, step, f32, f64)
	return err
}

// measure is run over some of p's slots, and returns the sums over all chunks.
func (s *sweeps[H]) measure(c registry.Context, p *registry.Param, slots []*tensor.Tensor, step H,
	f32 func(*H, chunk[float32, float32]), f64 func(*H, chunk[float64, float64])) (sums, error) {
	switch p.Info.DType {
	case tensor.Float32:
		return runSweep(&s.f32, c, p.Value.F32(), p.Grad.F32(), slots, step, f32), nil
	case tensor.Float64:
		return runSweep(&s.f64, c, tensor.Slice[float64](p.Value), tensor.Slice[float64](p.Grad), slots, step, f64), nil
	}
	return sums{}, unsupported(p.Info)
}

func unsupported(p registry.ParamInfo) error {
	return fmt.Errorf("%v has no update rule; float32 and float64 have", p.DType)
}

func runSweep[T, S tensor.Element, H any](pool *sync.Pool, c registry.Context, w, g []T, slots []*tensor.Tensor, step H, pass func(*H, chunk[T, S])) (total sums) {
	s, _ := pool.Get().(*sweep[T, S, H])
	if s == nil {
		s = &sweep[T, S, H]{}
		s.loop = func(_, lo, hi int) {
			part := chunk[T, S]{w: s.all.w[lo:hi:hi], g: s.all.g[lo:hi:hi], sums: &s.part[lo/grain]}
			for i, slot := range s.all.s {
				if slot != nil {
					part.s[i] = slot[lo:hi:hi]
				}
			}
			s.pass(&s.step, part)
		}
	}
	s.all = chunk[T, S]{w: w, g: g}
	for i, slot := range slots {
		s.all.s[i] = tensor.Slice[S](slot)
	}
	s.step, s.pass = step, pass
	if chunks := (len(w) + grain - 1) / grain; cap(s.part) < chunks {
		s.part = make([]sums, chunks)
	} else {
		s.part = s.part[:chunks]
		clear(s.part)
	}
	c.For(len(w), grain, s.loop)
	for i := range s.part {
		total[0] += s.part[i][0]
		total[1] += s.part[i][1]
	}
	s.all = chunk[T, S]{}
	pool.Put(s)
	return total
}

// like declares a slot of the parameter's shape and precision.
func like(p registry.ParamInfo, name string) registry.Slot {
	return registry.Slot{Name: name, Shape: p.Shape, DType: p.DType}
}
