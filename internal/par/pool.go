// Package par runs loops over fixed-grain chunks on a fixed pool of workers, so that results are the same bits
// for any number of threads.
package par

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// Pool is a fixed set of workers that share the chunks of For's loops with its caller. A nil Pool runs everything inline.
type Pool struct {
	threads int
	spin    time.Duration // how long a worker without a loop, or a caller without a chunk left, looks on before it sleeps
	hands   []*hand
	done    chan struct{}
	busy    atomic.Bool
	closed  atomic.Bool

	// The loop in progress, written while the gate is shut and nobody is inside.
	fn       func(worker, lo, hi int)
	n, grain int
	failed   atomic.Pointer[Panic] // the first panic of a loop body

	// All threads write these: each has a cache line of its own.
	_     [64]byte
	next  atomic.Int64 // chunk
	_     [56]byte
	gate  atomic.Int64 // how many workers are inside of the loop, shut, awaited
	_     [56]byte
	round atomic.Uint64 // loops begun
	_     [56]byte
}

// Bits of Pool.gate above the number of workers inside.
const (
	shut    = 1 << 32 // the chunks are given out; nobody may enter
	awaited = 1 << 33 // the caller sleeps until the last worker leaves
)

// hand is where a worker sleeps.
type hand struct {
	asleep atomic.Bool
	wake   chan struct{}
}

// linger is Pool.spin. The loops of a training step follow each other within microseconds, while to wake a thread takes some
// ten of them, on virtual machines up to a hundred: more than many a loop. A worker that is out of work for longer costs nobody
// a core.
const linger = 50 * time.Microsecond

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
	cores := runtime.GOMAXPROCS(0)
	if threads <= 0 {
		threads = cores
	}
	p := &Pool{threads: threads, done: make(chan struct{}, 1)}
	if threads <= min(cores, runtime.NumCPU()) {
		p.spin = linger // otherwise who looks on keeps a core from who works
	}
	p.gate.Store(shut)
	for worker := 1; worker < threads; worker++ {
		h := &hand{wake: make(chan struct{}, 1)}
		p.hands = append(p.hands, h)
		go p.serve(worker, h)
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
// memory only. For returns when all chunks are done; it does not wait for workers that come too late for one. Called from
// inside a loop body, or while another goroutine runs a loop on the same pool, it runs inline as worker 0: such callers bring
// their own scratch.
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
	p.fn, p.n, p.grain = fn, n, grain
	p.next.Store(0)
	p.gate.Store(0)
	p.call(min(p.threads, chunks) - 1)
	p.work(0)
	if p.gate.Add(shut) != shut {
		p.settle()
	}
	p.fn = nil
	failed := p.failed.Swap(nil)
	p.busy.Store(false)
	if failed != nil {
		panic(failed)
	}
}

// call makes those workers that look on see that there is news, and wakes the others among the first helpers.
func (p *Pool) call(helpers int) {
	p.round.Add(1)
	for _, h := range p.hands[:helpers] {
		if h.asleep.Load() && h.asleep.CompareAndSwap(true, false) {
			h.wake <- struct{}{}
		}
	}
}

// settle waits until nobody is inside of the loop, whose gate is shut.
func (p *Pool) settle() {
	if p.look(func() bool { return p.gate.Load() == shut }) || p.gate.Add(awaited) == shut|awaited {
		return
	}
	<-p.done
}

// look waits for something for a short time and reports whether it came.
func (p *Pool) look(came func() bool) bool {
	const looks = 64 // at the clock, which is slow, are few
	for start := time.Now(); ; {
		for range looks {
			if came() {
				return true
			}
		}
		if time.Since(start) >= p.spin {
			return false
		}
	}
}

// serve is a worker's life.
func (p *Pool) serve(worker int, h *hand) {
	for seen := uint64(0); ; {
		if seen = p.await(h, seen); p.closed.Load() {
			return
		}
		if p.enter() {
			p.work(worker)
			p.leave()
		}
	}
}

// await returns the number of a round after seen.
func (p *Pool) await(h *hand, seen uint64) uint64 {
	news := func() bool { return p.round.Load() != seen }
	if !p.look(news) {
		h.asleep.Store(true)
		// Who begins a round after this sees it asleep; who has taken asleep back has sent or will send.
		if !news() || !h.asleep.CompareAndSwap(true, false) {
			<-h.wake
		}
	}
	return p.round.Load()
}

// enter joins the loop in progress unless its chunks are all given out.
func (p *Pool) enter() bool {
	for {
		inside := p.gate.Load()
		if inside&shut != 0 {
			return false
		}
		if p.gate.CompareAndSwap(inside, inside+1) {
			return true
		}
	}
}

func (p *Pool) leave() {
	if p.gate.Add(-1) == shut|awaited {
		p.done <- struct{}{}
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
	p.closed.Store(true)
	p.call(len(p.hands))
	p.hands = nil
	p.threads = 1
}
