package par

import (
	"sync/atomic"
	"testing"
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
