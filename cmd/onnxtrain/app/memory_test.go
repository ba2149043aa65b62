//go:build linux

package app

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

var memoryRuns = flag.Int("memory.runs", 1, "runs of every model in a control group that TestControlGroup makes")

// planned is the plan that a program printed, in bytes.
func planned(t *testing.T, said string) float64 {
	t.Helper()
	m := regexp.MustCompile(`(?m)^memory +([0-9.]+) (KiB|MiB|GiB) planned`).FindStringSubmatch(said)
	if m == nil {
		t.Fatalf("no plan is printed:\n%s", said)
	}
	x, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return x * map[string]float64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}[m[2]]
}

// modelRun are the arguments of a short run that passes through everything: the short batch at the end of an epoch,
// evaluation, checkpoints and the files at the end.
func modelRun(t *testing.T, model, opt string) []string {
	batch := 16
	if os.Getenv("ONNXTRAIN_LONG") != "" {
		batch = 128
	}
	examples := batch*2 + batch/2
	return []string{"--model", models + model + ".onnx", "--opt", opt, "--data", fmt.Sprintf("synthetic:?n=%d", examples),
		"--val", fmt.Sprintf("synthetic:?n=%d&split=val", examples), "--batch", fmt.Sprint(batch), "--steps", "5", "--save-every", "2",
		"--threads", "2", "--out", filepath.Join(t.TempDir(), "run"), "--overwrite"}
}

var planModels = []string{"resnet20", "vit", "gpt"}

// TestPlanIsWhatIsTaken compares the printed plan with the most that was resident. Small processes may stay below their plan
// by a few megabytes of garbage that never came up.
func TestPlanIsWhatIsTaken(t *testing.T) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("the system does not say how much a process takes")
	}
	for _, model := range planModels {
		for _, opt := range []string{"adamw", "ifshampoo"} {
			t.Run(model+"/"+opt, func(t *testing.T) { planHolds(t, modelRun(t, model, opt)) })
		}
	}
}

func planHolds(t *testing.T, args []string) {
	t.Helper()
	const few = 8 << 20
	p := start(t, append(args, "--log-level", "debug")...)
	if code := p.code(t); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, p.said())
	}
	m := regexp.MustCompile(`resident memory: peak=([0-9]+)`).FindStringSubmatch(p.said())
	if m == nil {
		t.Fatalf("the peak is not said:\n%s", p.said())
	}
	peak, _ := strconv.ParseFloat(m[1], 64)
	plan := planned(t, p.said())
	t.Logf("planned %.1f MiB, peak %.1f MiB (%+.1f %%)", plan/(1<<20), peak/(1<<20), 100*(peak/plan-1))
	if peak > 1.1*plan || peak < 0.9*plan-few {
		t.Errorf("planned %.1f MiB, resident %.1f MiB", plan/(1<<20), peak/(1<<20))
	}
}

// group is a control group for one process, below the one that the tests run in, so that its limits hold too.
type group struct{ dir, limit, peak string }

// newGroup makes a control group; where there may be none, the test is left out and says so.
func newGroup(t *testing.T) group {
	t.Helper()
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Skipf("no control groups: %v", err)
	}
	g := group{}
	for line := range strings.Lines(string(own)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		switch {
		case len(f) < 3:
		case f[1] == "memory":
			g = group{filepath.Join("/sys/fs/cgroup/memory", f[2]), "memory.limit_in_bytes", "memory.max_usage_in_bytes"}
		case f[1] == "" && g.dir == "":
			g = group{filepath.Join("/sys/fs/cgroup", f[2]), "memory.max", "memory.peak"}
		}
	}
	g.dir = filepath.Join(g.dir, fmt.Sprintf("onnxtrain-test-%d", os.Getpid()))
	if err := os.Mkdir(g.dir, 0o755); err != nil {
		t.Skipf("no control group can be made here: %v", err)
	}
	t.Cleanup(func() {
		for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) { // it is busy until its last process is gone
			if err := os.Remove(g.dir); err == nil || errors.Is(err, fs.ErrNotExist) || time.Now().After(end) {
				return
			}
		}
	})
	if _, err := os.Stat(filepath.Join(g.dir, g.limit)); err != nil {
		t.Skipf("the group has no memory controller: %v", err)
	}
	return g
}

func (g group) set(t *testing.T, limit int64) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(g.dir, g.limit), []byte(fmt.Sprint(limit)), 0); err != nil {
		t.Fatal(err)
	}
}

// start runs the program inside the group.
func (g group) start(t *testing.T, args ...string) *process {
	t.Helper()
	inside := []string{"-c", `echo $$ > "$0" && exec "$@"`, filepath.Join(g.dir, "cgroup.procs"), program(t)}
	return startProgram(t, "/bin/sh", append(inside, args...)...)
}

// TestControlGroup runs in a control group that allows a tenth more than the plan, and is through; with less than the plan it
// is refused before the first step. In full: -memory.runs 100.
func TestControlGroup(t *testing.T) {
	for _, model := range planModels {
		for _, opt := range []string{"adamw", "ifshampoo"} {
			t.Run(model+"/"+opt, func(t *testing.T) { inGroup(t, modelRun(t, model, opt)) })
		}
	}
}

func inGroup(t *testing.T, args []string) {
	g := newGroup(t)
	p := start(t, append(args, "--dry-run")...)
	if code := p.code(t); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, p.said())
	}
	plan := planned(t, p.said())
	page := float64(os.Getpagesize())
	for i := range *memoryRuns {
		g.set(t, math.MaxInt32) // a limit cannot be set below what is there
		g.set(t, int64(math.Ceil(1.1*plan/page)*page))
		p := g.start(t, args...)
		if code := p.code(t); code != 0 {
			t.Fatalf("run %d with a tenth more than the plan of %.1f MiB ends with exit code %d:\n%s", i+1, plan/(1<<20), code, p.said())
		}
	}
	most, _ := os.ReadFile(filepath.Join(g.dir, g.peak))
	for i := range *memoryRuns {
		g.set(t, int64(0.95*plan/page)*int64(page))
		p = g.start(t, args...)
		if code := p.code(t); code != 6 || !strings.Contains(p.said(), "the limit is") {
			t.Fatalf("run %d with less than the plan ends with exit code %d:\n%s", i+1, code, p.said())
		}
		if strings.Contains(p.said(), "step 1/") {
			t.Fatal("it was not refused before the first step")
		}
	}
	t.Logf("planned %.1f MiB; limit %.1f MiB: %d runs end well, the group took at most %s bytes; limit %.1f MiB: %d runs are refused",
		plan/(1<<20), 1.1*plan/(1<<20), *memoryRuns, strings.TrimSpace(string(most)), 0.95*plan/(1<<20), *memoryRuns)
}

// TestMaxMemory refuses by the flag as by the group.
func TestMaxMemory(t *testing.T) {
	args := []string{"--model", models + "lenet5.onnx", "--opt", "adamw", "--data", "synthetic:?n=20", "--batch", "8", "--steps", "3"}
	text := runFails(t, 6, append(args, "--max-memory", "8MiB", "--out", filepath.Join(t.TempDir(), "run"))...)
	if !strings.Contains(text, "the limit is 8388608") || !strings.Contains(text, "--batch") || !strings.Contains(text, "--recompute") {
		t.Errorf("the message does not say what to do:\n%s", text)
	}
	text = runFails(t, 6, append(args, "--max-memory", "8MiB", "--recompute", "--out", filepath.Join(t.TempDir(), "run"))...)
	if !strings.Contains(text, "--batch") || strings.Contains(text, "--recompute") {
		t.Errorf("the message says what is done already:\n%s", text)
	}
	text = runFails(t, 6, append(args, "--max-memory", "100KiB", "--out", filepath.Join(t.TempDir(), "run"))...)
	if !strings.Contains(text, "lenet5.onnx") {
		t.Errorf("the message does not name the model:\n%s", text)
	}
}
