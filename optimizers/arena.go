package optimizers

import (
	"sync"

	"github.com/onnxtrain/onnxtrain/internal/par"
)

// arena is the scratch memory of one update: taken piece by piece, given back at once, kept for the next update.
type arena[T number] struct {
	pool       *par.Pool
	buf        []T
	used, peak int
	half       bool // what is multiplied is rounded to bf16, but for sums
}

// arenas keeps the arenas that no update uses.
type arenas[T number] struct{ free sync.Pool }

func (as *arenas[T]) borrow(pool *par.Pool) *arena[T] {
	a, _ := as.free.Get().(*arena[T])
	if a == nil {
		a = &arena[T]{}
	}
	a.pool = pool
	return a
}

func (as *arenas[T]) giveBack(a *arena[T]) {
	if a.peak > len(a.buf) {
		a.buf = make([]T, a.peak)
	}
	a.used, a.pool, a.half = 0, nil, false
	as.free.Put(a)
}

// take returns n elements of undefined value.
func (a *arena[T]) take(n int) []T {
	lo := a.used
	a.used += n
	a.peak = max(a.peak, a.used)
	if a.used > len(a.buf) {
		return make([]T, n) // giveBack makes room for the next update
	}
	return a.buf[lo:a.used:a.used]
}

// release gives back what was taken since a.used was mark.
func (a *arena[T]) release(mark int) { a.used = mark }
