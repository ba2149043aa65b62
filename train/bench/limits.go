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
	trial      = time.Millisecond      // short enough to come to its end before another process gets the core
	leastBytes = 64 << 10
	mostBytes  = 256 << 20
)

// MeasureLimits takes about half a second at most and up to 256 MiB, of what is free at most a quarter.
func MeasureLimits(pool *par.Pool) *Limits {
	l := &Limits{Threads: pool.Threads(), ISA: cpu.Current().String()}
	peak := func(half bool) float64 {
		return fastest(peakTime, func(rounds int) float64 { return linalg.Peak(pool, half, rounds) }) / 1e9
	}
	l.F32, l.BF16 = peak(false), peak(true)
	most := int(max(min(mostBytes, (memory.Limit()-memory.Now().Resident)/4), leastBytes))
	buffer := make([]float32, most/4)
	for bytes := leastBytes; bytes <= most; bytes *= 2 {
		l.Memory = append(l.Memory, Bandwidth{bytes, stream(pool, buffer[:bytes/4])})
	}
	for i := len(l.Memory) - 2; i >= 0; i-- {
		l.Memory[i].GBS = max(l.Memory[i].GBS, l.Memory[i+1].GBS) // where others had the core
	}
	return l
}

// stream is the rate at which a buffer is read, or read and written, whichever is faster, in GB/s. Each thread goes over a part
// of its own.
func stream(pool *par.Pool, buffer []float32) float64 {
	const lines = 32 // floats, of two cache lines
	part := max(len(buffer)/pool.Threads()/lines, 1) * lines
	parts := len(buffer) / part
	over := func(of func(x []float32)) func(rounds int) {
		return func(rounds int) {
			pool.For(parts, 1, func(_, lo, hi int) {
				for i := lo; i < hi; i++ {
					for range rounds {
						of(buffer[i*part:][:part])
					}
				}
			})
		}
	}
	scale, sum := over(func(x []float32) { linalg.Scale(x, x, 1) }), over(func(x []float32) { linalg.Sum(x) })
	bytes := 4 * float64(parts*part)
	scale(1) // the first touch of a page is slow
	written := fastest(streamTime, func(rounds int) float64 { scale(rounds); return 2 * bytes * float64(rounds) })
	read := fastest(streamTime, func(rounds int) float64 { sum(rounds); return bytes * float64(rounds) })
	return max(written, read) / 1e9
}

// fastest is the highest rate among trials of work for some time, a second. work does so many rounds and says how much that was.
func fastest(d time.Duration, work func(rounds int) float64) float64 {
	best, rounds := 0.0, 1
	for begin := time.Now(); time.Since(begin) < d; {
		start := time.Now()
		done := work(rounds)
		took := time.Since(start)
		best = max(best, done/took.Seconds())
		if took < trial {
			rounds *= 2
		}
	}
	return best
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
