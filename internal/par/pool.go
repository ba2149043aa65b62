// Package par runs loops over fixed-grain chunks on a fixed pool of workers, so that results are the same bits
// for any number of threads.
package par

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync/atomic"
)

// Pool is a fixed set of workers that For wakes per loop; the caller works too. A nil Pool runs everything inline.
type Pool struct {
	threads int
	wake    []chan struct{}
	done    chan struct{}
	busy    atomic.Bool

	// The loop in progress.
	fn      func(worker, lo, hi int)
	n       int
	grain   int
	next    atomic.Int64
	pending atomic.Int64
	failed  atomic.Pointer[Panic] // the first panic of a loop body
}

// Panic is what For panics with when a loop body did: in the caller, where it can be recovered from, and after all workers
// have stopped.
type Panic struct {
	Value any
	Stack []byte // of the loop body
}

func (p *Panic) Error() string { return fmt.Sprint(p.Value) }

// New starts a pool of the given number of threads, the caller of For included; 0 means GOMAXPROCS, which
// follows container limits.
func New(threads int) *Pool {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	p := &Pool{threads: threads, done: make(chan struct{}, 1)}
	for worker := 1; worker < threads; worker++ {
		ch := make(chan struct{}, 1)
		p.wake = append(p.wake, ch)
		go func() {
			for range ch {
				p.work(worker)
				if p.pending.Add(-1) == 0 {
					p.done <- struct{}{}
				}
			}
		}()
	}
	return p
}

// Threads is the number of workers, the caller included; worker numbers passed to loop bodies are below it.
func (p *Pool) Threads() int {
	if p == nil {
		return 1
	}
	return p.threads
}

// For calls fn over [0, n) in chunks [lo, hi) of grain elements, the last one shorter. Chunk borders depend on
// n and grain alone; which worker runs a chunk is not determined, so fn may use the worker number for scratch
// memory only. For returns when all chunks are done. Called from inside a loop body, or while another goroutine
// runs a loop on the same pool, it runs inline as worker 0: such callers bring their own scratch.
func (p *Pool) For(n, grain int, fn func(worker, lo, hi int)) {
	if n <= 0 {
		return
	}
	grain = max(grain, 1)
	chunks := (n + grain - 1) / grain
	if p == nil || p.threads == 1 || chunks == 1 || !p.busy.CompareAndSwap(false, true) {
		for lo := 0; lo < n; lo += grain {
			fn(0, lo, min(lo+grain, n))
		}
		return
	}
	helpers := min(p.threads, chunks) - 1
	p.fn, p.n, p.grain = fn, n, grain
	p.next.Store(0)
	p.pending.Store(int64(helpers) + 1)
	for _, ch := range p.wake[:helpers] {
		ch <- struct{}{}
	}
	p.work(0)
	if p.pending.Add(-1) != 0 {
		<-p.done
	}
	p.fn = nil
	failed := p.failed.Swap(nil)
	p.busy.Store(false)
	if failed != nil {
		panic(failed)
	}
}

// catch keeps the first panic and lets no further chunk begin.
func (p *Pool) catch() {
	if v := recover(); v != nil {
		p.failed.CompareAndSwap(nil, &Panic{v, debug.Stack()})
		p.next.Store(int64(p.n))
	}
}

func (p *Pool) work(worker int) {
	defer p.catch()
	fn, n, grain := p.fn, p.n, p.grain
	for {
		lo := int(p.next.Add(1)-1) * grain
		if lo >= n {
			return
		}
		fn(worker, lo, min(lo+grain, n))
	}
}

// Close ends the workers. The pool must be idle; For must not be called again.
func (p *Pool) Close() {
	if p == nil {
		return
	}
	for _, ch := range p.wake {
		close(ch)
	}
	p.wake = nil
	p.threads = 1
}
