//go:build unix

package app

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var built struct {
	sync.Once
	path string
	err  error
}

// program builds the program once.
func program(t *testing.T) string {
	t.Helper()
	built.Do(func() {
		dir, err := os.MkdirTemp("", "onnxtrain")
		if err != nil {
			built.err = err
			return
		}
		built.path = filepath.Join(dir, "onnxtrain")
		if out, err := exec.Command("go", "build", "-o", built.path, "..").CombinedOutput(); err != nil {
			built.err = fmt.Errorf("%v: %s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.path
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.path != "" {
		os.RemoveAll(filepath.Dir(built.path))
	}
	os.Exit(code)
}

// process is the program at work.
type process struct {
	*exec.Cmd
	mu     sync.Mutex
	stderr bytes.Buffer
	ended  chan struct{}
}

func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.Write(b)
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.String()
}

func start(t *testing.T, args ...string) *process {
	t.Helper()
	return startProgram(t, program(t), args...)
}

func startProgram(t *testing.T, path string, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(path, args...), ended: make(chan struct{})}
	p.Stdout, p.Stderr = io.Discard, p
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.Wait(); close(p.ended) }()
	t.Cleanup(func() { p.Process.Kill(); <-p.ended })
	return p
}

// code waits for the end and returns the exit code, minus the signal when one killed the program.
func (p *process) code(t *testing.T) int {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(2 * time.Minute):
		t.Fatalf("it does not end:\n%s", p.said())
	}
	if s := p.ProcessState.Sys().(syscall.WaitStatus); s.Signaled() {
		return -int(s.Signal())
	}
	return p.ProcessState.ExitCode()
}

// until waits for something to become true while the program runs.
func (p *process) until(t *testing.T, what string, true func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !true(); time.Sleep(time.Millisecond) {
		select {
		case <-p.ended:
			t.Fatalf("it ended before %s:\n%s", what, p.said())
		default:
		}
		if time.Now().After(end) {
			t.Fatalf("no %s:\n%s", what, p.said())
		}
	}
}

func exists(path string) bool {
	found, _ := filepath.Glob(path)
	return len(found) > 0
}

func weightsOf(t *testing.T, run string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(run, "last.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestSignalThenResume stops runs with SIGINT and SIGTERM at any step and goes on: the weights are those of a run that was
// never stopped.
func TestSignalThenResume(t *testing.T) {
	for sig, want := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		t.Run(sig.String(), func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "run")
			args := []string{"--model", models + "mlp.onnx", "--opt", "adamw", "--data", "synthetic:?n=100", "--batch", "8", "--log-every", "7", "--seed", "5"}
			p := start(t, append(args, "--steps", "100000000", "--out", out)...)
			p.until(t, "metrics", func() bool {
				info, err := os.Stat(filepath.Join(out, "metrics.jsonl"))
				return err == nil && info.Size() > 0
			})
			if err := p.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if code := p.code(t); code != want {
				t.Fatalf("exit code %d, want %d:\n%s", code, want, p.said())
			}
			if command := "onnxtrain train --resume " + out; !strings.Contains(p.said(), command) {
				t.Errorf("it does not say %q:\n%s", command, p.said())
			}
			var steps int
			if m, err := filepath.Glob(filepath.Join(out, "checkpoints", "step-*")); err != nil || len(m) != 1 {
				t.Fatalf("checkpoints %q, %v", m, err)
			} else if _, err := fmt.Sscanf(filepath.Base(m[0]), "step-%d", &steps); err != nil {
				t.Fatal(err)
			}
			total := fmt.Sprint(steps + 20)
			runOK(t, "train", "--resume", out, "--steps", total)
			whole := filepath.Join(t.TempDir(), "whole")
			runOK(t, append(args, "--steps", total, "--out", whole)...)
			if !bytes.Equal(weightsOf(t, out), weightsOf(t, whole)) {
				t.Error("a run that was stopped and resumed has other weights")
			}
		})
	}
}

// slow is a run whose steps take long.
func slow(t *testing.T) (*process, string) {
	out := filepath.Join(t.TempDir(), "run")
	p := start(t, "--model", models+"resnet20.onnx", "--opt", "sgd", "--batch", "256", "--steps", "1000", "--log-every", "1", "--out", out)
	p.until(t, "run", func() bool { return exists(filepath.Join(out, "metrics.jsonl")) })
	return p, out
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	p, out := slow(t)
	p.until(t, "first step", func() bool { return strings.Contains(p.said(), "step 1/") })
	p.Process.Signal(syscall.SIGINT)
	p.until(t, "answer to the first signal", func() bool { return strings.Contains(p.said(), "second signal") })
	p.Process.Signal(syscall.SIGINT)
	if code := p.code(t); code != 130 {
		t.Errorf("exit code %d:\n%s", code, p.said())
	}
	if exists(filepath.Join(out, "last.onnx")) {
		t.Error("the second signal was not obeyed: the step was finished and saved")
	}
}

// TestOtherSignals asks for a checkpoint, and then for the stacks.
func TestOtherSignals(t *testing.T) {
	p, out := slow(t)
	p.Process.Signal(syscall.SIGUSR1)
	p.until(t, "checkpoint", func() bool { return exists(filepath.Join(out, "checkpoints", "step-????????", "COMPLETE")) })
	p.Process.Signal(syscall.SIGQUIT)
	if code := p.code(t); code != 2 || !strings.Contains(p.said(), "SIGQUIT") || !strings.Contains(p.said(), "goroutine 1 ") {
		t.Errorf("exit code %d:\n%s", code, p.said())
	}
}

// TestKilledAnywhere kills runs at random moments, of start, steps and saving, and resumes until they are through: every
// start finds a whole checkpoint, or none yet, and the weights are those of a run that was never killed.
func TestKilledAnywhere(t *testing.T) {
	kills, model, opt := 12, "lenet5.onnx", "ifshampoo"
	if os.Getenv("ONNXTRAIN_LONG") != "" {
		kills, model = 200, "resnet20.onnx"
	}
	const seed = 11
	r := rand.New(rand.NewPCG(seed, 0))
	args := []string{"train", "--model", models + model, "--opt", opt, "--data", "synthetic:?n=44", "--batch", "8", "--steps", "24", "--save-every", "2",
		"--schedule", "cosine", "--val", "synthetic:?n=16&split=val", "--log-every", "1", "--digest", "--threads", "1"}
	whole := filepath.Join(t.TempDir(), "whole")
	program(t) // is not to be timed
	began := time.Now()
	if p := start(t, append(args, "--out", whole)...); p.code(t) != 0 {
		t.Fatal(p.said())
	}
	length := time.Since(began)
	for killed := 0; killed < kills; {
		out := filepath.Join(t.TempDir(), "run")
		for {
			p := start(t, append(args, "--resume", "auto", "--out", out)...)
			if killed < kills {
				select {
				case <-p.ended:
				case <-time.After(time.Duration(r.Float64() * float64(length))):
					p.Process.Kill()
				}
			}
			code := p.code(t)
			if strings.Contains(p.said(), "not whole") {
				t.Fatalf("a checkpoint is not whole:\n%s", p.said())
			}
			if code == 0 {
				break
			}
			if code != -int(syscall.SIGKILL) {
				t.Fatalf("exit code %d:\n%s", code, p.said())
			}
			killed++
		}
		if !bytes.Equal(weightsOf(t, out), weightsOf(t, whole)) {
			t.Fatalf("after %d kills the weights differ", killed)
		}
		a, b := readMetrics(t, filepath.Join(out, "metrics.jsonl")), readMetrics(t, filepath.Join(whole, "metrics.jsonl"))
		if len(a) != len(b) {
			t.Fatalf("%d lines of metrics, want %d", len(a), len(b))
		}
		for i := range a {
			if a[i].Step != b[i].Step || a[i].Loss != b[i].Loss || a[i].ValTop1 != b[i].ValTop1 {
				t.Fatalf("metrics %+v, want %+v", a[i], b[i])
			}
		}
	}
	t.Logf("%d kills in runs of %v", kills, length.Round(10*time.Millisecond))
}
