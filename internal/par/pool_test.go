package par

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestForCoversEveryElementOnce(t *testing.T) {
	for _, threads := range []int{1, 2, 3, 8} {
		p := New(threads)
		for _, n := range []int{0, 1, 7, 64, 1000} {
			seen := make([]atomic.Int32, n)
			p.For(n, 7, func(worker, lo, hi int) {
				if worker < 0 || worker >= p.Threads() {
					t.Errorf("worker %d of %d", worker, p.Threads())
				}
				for i := lo; i < hi; i++ {
					seen[i].Add(1)
				}
			})
			for i := range seen {
				if got := seen[i].Load(); got != 1 {
					t.Fatalf("threads %d n %d: element %d visited %d times", threads, n, i, got)
				}
			}
		}
		p.Close()
	}
}

func TestNestedLoopRunsInline(t *testing.T) {
	p := New(4)
	defer p.Close()
	var total atomic.Int64
	p.For(8, 1, func(_, lo, hi int) {
		p.For(10, 3, func(_, lo, hi int) { total.Add(int64(hi - lo)) })
	})
	if total.Load() != 80 {
		t.Errorf("total %d, want 80", total.Load())
	}
}

func TestForDoesNotAllocate(t *testing.T) {
	p := New(2)
	defer p.Close()
	body := func(_, lo, hi int) {}
	if n := testing.AllocsPerRun(100, func() { p.For(100, 1, body) }); n != 0 {
		t.Errorf("%v allocations a loop", n)
	}
}

func BenchmarkFor(b *testing.B) {
	p := New(2)
	defer p.Close()
	body := func(_, lo, hi int) {}
	for b.Loop() {
		p.For(2, 1, body)
	}
}

func TestPanicsReachTheCaller(t *testing.T) {
	p := New(3)
	defer p.Close()
	for range 50 {
		func() {
			defer func() {
				if v, ok := recover().(*Panic); !ok || v.Error() != "chunk 7" || len(v.Stack) == 0 {
					t.Errorf("recovered %v", v)
				}
			}()
			p.For(100, 1, func(_, lo, _ int) {
				if lo == 7 {
					panic("chunk 7")
				}
			})
		}()
		sum := make([]int, 100)
		p.For(100, 10, func(_, lo, hi int) {
			for i := lo; i < hi; i++ {
				sum[i] = 1
			}
		})
		for i, v := range sum {
			if v != 1 {
				t.Fatalf("after a panic the pool leaves out %d", i)
			}
		}
	}
}

// TestNoLoopWaitsForAWorkerThatIsLate runs loops on a pool whose worker is never scheduled.
func TestNoLoopWaitsForAWorkerThatIsLate(t *testing.T) {
	late := &hand{wake: make(chan struct{}, 1)}
	late.asleep.Store(true)
	p := &Pool{threads: 2, done: make(chan struct{}, 1), hands: []*hand{late}}
	p.gate.Store(shut)
	for range 3 {
		sum := 0
		p.For(10, 1, func(worker, lo, hi int) { sum += hi - lo })
		if sum != 10 {
			t.Fatalf("%d of 10 elements visited", sum)
		}
	}
	if late.asleep.Load() || len(late.wake) != 1 {
		t.Error("the worker was not woken")
	}
	if p.enter() {
		t.Error("a loop that is over lets a worker in")
	}
}

// TestSleepersWake lets workers fall asleep between loops that need them all at the same time.
func TestSleepersWake(t *testing.T) {
	const threads = 4
	p := New(threads)
	defer p.Close()
	for round := range 20 {
		if round%2 == 0 {
			time.Sleep(time.Millisecond)
		}
		var together sync.WaitGroup
		together.Add(threads)
		p.For(threads, 1, func(_, _, _ int) {
			together.Done()
			together.Wait()
		})
	}
}

func TestCloseEndsTheWorkers(t *testing.T) {
	before := runtime.NumGoroutine()
	awake, asleep := New(3), New(3)
	time.Sleep(time.Millisecond)
	awake.For(3, 1, func(_, _, _ int) {})
	awake.Close()
	asleep.Close()
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}
