package train

import (
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/onnxtrain/onnxtrain/internal/memory"
)

var (
	soakTime  = flag.Duration("soak.time", 1500*time.Millisecond, "how long TestSoak trains")
	soakModel = flag.String("soak.model", "lenet5", "what it trains")
	soakOpt   = flag.String("soak.opt", "adamw", "with which optimizer")
)

// sample is what a process holds at a moment.
type sample struct {
	at                float64 // seconds
	resident          float64 // bytes
	goroutines, files int
}

// TestSoak trains with evaluations and checkpoints and looks at memory, goroutines and open files meanwhile: none grow. In
// full: -soak.time 24h -soak.model resnet20.
func TestSoak(t *testing.T) {
	if memory.Now().Resident == 0 {
		t.Skip("the system does not say how much a process takes")
	}
	c := small(*soakModel, *soakOpt, filepath.Join(t.TempDir(), "run"))
	c.Data, c.Val, c.Batch = "synthetic:?n=200", "synthetic:?n=50&split=val", 16
	c.Steps, c.Epochs, c.Time, c.SaveEvery, c.EvalEvery, c.Schedule, c.Warmup = 1<<30, 0, *soakTime, "20", 25, "constant", ""
	c.Threads = 2
	var samples []sample
	began, next := time.Now(), time.Duration(0)
	o := &observer{}
	o.each = func(step int) {
		if step == 1 {
			debug.SetMemoryLimit(o.plan.Go) // as the program does
		}
		if spent := time.Since(began); spent >= next {
			next = spent + *soakTime/200
			files, _ := os.ReadDir("/proc/self/fd")
			samples = append(samples, sample{spent.Seconds(), float64(memory.Now().Resident), runtime.NumGoroutine(), len(files)})
		}
	}
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(-1))
	result, _, err := attempt(c, o)
	if err != nil {
		t.Fatal(err)
	}
	warm := samples[len(samples)/4:]
	first, last := warm[0], warm[len(warm)-1]
	slope := slopeOf(warm) * 3600 / (1 << 20)
	t.Logf("%d steps in %v, %d samples after the first quarter: resident %.1f to %.1f MiB, %+.2f MiB an hour by least squares; goroutines %d to %d, open files %d to %d",
		result.Steps, time.Since(began).Round(time.Second), len(warm), first.resident/(1<<20), last.resident/(1<<20), slope, first.goroutines, last.goroutines, first.files, last.files)
	const allowed = 4 << 20 // pages of garbage come and go
	if last.resident > first.resident+allowed {
		t.Errorf("resident memory grows from %.1f to %.1f MiB", first.resident/(1<<20), last.resident/(1<<20))
	}
	if most := mostOf(warm, func(s sample) int { return s.goroutines }); most > first.goroutines+4 { // readers of an evaluation
		t.Errorf("%d goroutines, %d before", most, first.goroutines)
	}
	if most := mostOf(warm, func(s sample) int { return s.files }); most > first.files+1 {
		t.Errorf("%d open files, %d before", most, first.files)
	}
}

func mostOf(list []sample, of func(sample) int) int {
	most := 0
	for _, s := range list {
		most = max(most, of(s))
	}
	return most
}

// slopeOf is the growth of resident memory in bytes a second.
func slopeOf(list []sample) float64 {
	var n, x, y, xx, xy float64
	for _, s := range list {
		n, x, y, xx, xy = n+1, x+s.at, y+s.resident, xx+s.at*s.at, xy+s.at*s.resident
	}
	return (n*xy - x*y) / (n*xx - x*x)
}
