package bench

import (
	"time"

	"github.com/onnxtrain/onnxtrain/internal/cpu"
	"github.com/onnxtrain/onnxtrain/internal/memory"
	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

// Limits are the rates that processor and memory reach at best, with a number of threads.
type Limits struct {
	Threads int         `json:"threads"`
	ISA     string      `json:"isa"`
	F32     float64     `json:"f32_gflops"`
	BF16    float64     `json:"bf16_gflops"`
	Memory  []Bandwidth `json:"memory"` // ascending Bytes
}

// Bandwidth is how fast so many bytes are gone over again and again: the last of Limits.Memory come from memory, less of them
// from a cache.
type Bandwidth struct {
	Bytes int     `json:"bytes"`
	GBS   float64 `json:"gb_per_s"`
}

const (
	peakTime   = 30 * time.Millisecond // of either precision
	streamTime = 4 * time.Millisecond  // of a buffer, either way
	leastBytes = 64 << 10
	mostBytes  = 256 << 20
)

// MeasureLimits takes about half a second at most and up to 256 MiB, of what is free at most a quarter.
func MeasureLimits(pool *par.Pool) *Limits {
	l := &Limits{Threads: pool.Threads(), ISA: cpu.Current().String(), F32: peak(pool, false), BF16: peak(pool, true)}
	most := int(max(min(mostBytes, (memory.Limit()-memory.Now().Resident)/4), leastBytes))
	buffer := make([]float32, most/4)
	for bytes := leastBytes; bytes <= most; bytes *= 2 {
		l.Memory = append(l.Memory, Bandwidth{bytes, stream(pool, buffer[:bytes/4])})
	}
	for i := len(l.Memory) - 2; i >= 0; i-- {
		l.Memory[i].GBS = max(l.Memory[i].GBS, l.Memory[i+1].GBS) // a slower cache would be no limit
	}
	return l
}

// peak is the rate of multiplications and additions in registers, in GFLOP/s.
func peak(pool *par.Pool, half bool) float64 {
	loop, operations := linalg.PeakLoop(half)
	return together(pool, peakTime, func(int) func() float64 {
		return func() float64 { loop(); return operations }
	}) / 1e9
}

// stream is the rate at which a buffer is read, or read and written, whichever is faster, in GB/s. Each thread goes round and
// round in a part of its own.
func stream(pool *par.Pool, buffer []float32) float64 {
	const line, unit = 32, 1 << 16 // floats: of two cache lines, and of what is gone over at once
	part := max(len(buffer)/pool.Threads()/line, 1) * line
	part -= part % min(part, unit)
	over := func(times int, of func(x []float32)) float64 {
		return together(pool, streamTime, func(thread int) func() float64 {
			mine, at := buffer[thread*part%len(buffer):][:part], 0
			return func() float64 {
				x := mine[at:][:min(part, unit)]
				of(x)
				at = (at + len(x)) % part
				return float64(4 * times * len(x))
			}
		}) / 1e9
	}
	pool.For(len(buffer), unit, func(_, lo, hi int) { clear(buffer[lo:hi]) }) // the first touch of a page is slow
	return max(over(1, func(x []float32) { linalg.Sum(x) }), over(2, func(x []float32) { linalg.Scale(x, x, 1) }))
}

// together is the sum of the rates at which the threads of a pool work, all at once, for some time. work makes what a thread
// repeats, which returns how much it did.
func together(pool *par.Pool, d time.Duration, work func(thread int) func() float64) float64 {
	rates := make([]float64, pool.Threads())
	pool.For(len(rates), 1, func(_, lo, hi int) {
		for i := lo; i < hi; i++ {
			rates[i] = typicalRate(d, work(i))
		}
	})
	total := 0.0
	for _, r := range rates {
		total += r
	}
	return total
}

// shortTime is long for the clock and short between the turns of other processes on the core: those lengthen few of many
// such times, and not the typical one.
const shortTime = 10 * time.Microsecond

// typicalRate is the median rate of work, a second, over some time.
func typicalRate(d time.Duration, work func() float64) float64 {
	var rates []float64
	rounds := 1
	for begin := time.Now(); len(rates) == 0 || time.Since(begin) < d; {
		start, done := time.Now(), 0.0
		for range rounds {
			done += work()
		}
		took := time.Since(start)
		if took < shortTime {
			rounds *= 2
			continue
		}
		rates = append(rates, done/took.Seconds())
	}
	return median(rates)
}

// bandwidth is that of the largest buffer measured that is no larger: what a node with so many bytes cannot exceed, also where it
// finds them in a cache.
func (l *Limits) bandwidth(bytes float64) float64 {
	at := 0
	for i, m := range l.Memory {
		if float64(m.Bytes) <= bytes {
			at = i
		}
	}
	return l.Memory[at].GBS
}
