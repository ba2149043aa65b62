//go:build linux

package app

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/onnxtrain/onnxtrain/optimizers/onnxfile"
	"github.com/onnxtrain/onnxtrain/registry"
)

// trainWith are the arguments of a short run.
func trainWith(out string, more ...string) []string {
	return append([]string{"--model", models + "mlp.onnx", "--data", "synthetic:?n=64", "--batch", "16", "--steps", "6", "--digest",
		"--log-every", "1", "--save-every", "never", "--progress", "none", "--out", out}, more...)
}

// TestPluginsThatDoNotStart tries what is no plugin, or not one of this version: one message, exit code 7.
func TestPluginsThatDoNotStart(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	script := faultyPlugin(t, dir, "faulty")
	t.Setenv(armedEnv, filepath.Join(dir, "armed"))
	for fault, want := range map[string]string{
		"protocol": "speaks another protocol",
		"netrpc":   "speaks another protocol",
		"chatter":  `it began with "hello"`,
		"mute":     `it began with "xxxx`,
		"early":    `it ended (exit status 4) before it said that it is a plugin; it last wrote "no such library"`,
		"taken":    `it calls itself "adamw "`,
		"shape":    "slot \"m\"",
		"rank":     "40 dimensions",
		"huge":     "slot \"m\"",
		"twice":    "no two are equal",
		"large":    "shared memory",
	} {
		t.Run(fault, func(t *testing.T) {
			t.Setenv(faultEnv, fault+"@0")
			out := filepath.Join(t.TempDir(), "run")
			began := time.Now()
			said := runFails(t, 7, trainWith(out, "--plugin", script, "--opt", "faulty")...)
			if !strings.Contains(said, want) || !strings.Contains(said, script) {
				t.Errorf("the message lacks %q or the path:\n%s", want, said)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
			if left := leftovers(t, dir); left != "" {
				t.Errorf("left over: %s", left)
			}
		})
	}
}

// TestFilesThatAreNoPlugins tries files that do not run.
func TestFilesThatAreNoPlugins(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		content string
		mode    os.FileMode
		want    string
	}{
		"closed":      {"#!/bin/sh\n", 0o644, "not executable; chmod +x"},
		"text":        {"hello\n", 0o755, "no program for this machine"},
		"interpreter": {"#!/no/such/thing\n", 0o755, "interpreter"},
		"silent":      {"#!/bin/true\n", 0o755, "before it said that it is a plugin"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(c.content), c.mode); err != nil {
			t.Fatal(err)
		}
		if said := runFails(t, 7, trainWith(filepath.Join(dir, "run"), "--plugin", path, "--opt", name)...); !strings.Contains(said, c.want) {
			t.Errorf("%s: the message lacks %q:\n%s", name, c.want, said)
		}
	}
	for _, path := range []string{dir, filepath.Join(dir, "nothing")} {
		runFails(t, 2, trainWith(filepath.Join(dir, "run"), "--plugin", path, "--opt", "sgd")...)
	}
}

// TestHostKilled ends the host with SIGKILL, while a plugin computes, hangs, and hangs with a process of its own: all end too.
// ONNXTRAIN_LONG=1 does so at 60 random moments as well, the start of the plugin among them.
func TestHostKilled(t *testing.T) {
	dir := t.TempDir()
	script := faultyPlugin(t, dir, "faulty")
	armed, out := filepath.Join(dir, "armed"), filepath.Join(dir, "run")
	t.Setenv(armedEnv, armed)
	killed := func(fault string, when func(*process)) {
		t.Setenv(faultEnv, fault)
		if err := os.WriteFile(armed, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		p := start(t, trainWith(out, "--overwrite", "--steps", "100000000", "--plugin", script, "--opt", "faulty,lr=0.001")...)
		when(p)
		p.Process.Signal(syscall.SIGKILL)
		<-p.ended
		if left := leftovers(t, dir); left != "" {
			t.Fatalf("%s: left over: %s", fault, left)
		}
	}
	for _, fault := range []string{"none", "hang@40", "parent@40"} {
		killed(fault, func(p *process) {
			p.until(t, "metrics", func() bool {
				_, err := os.Stat(armed)
				info, found := os.Stat(filepath.Join(out, "metrics.jsonl"))
				return found == nil && info.Size() > 0 && (fault == "none" || os.IsNotExist(err))
			})
		})
	}
	if os.Getenv("ONNXTRAIN_LONG") == "" {
		return
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 60 {
		killed("parent@4", func(*process) { time.Sleep(time.Duration(r.IntN(200)) * time.Millisecond) })
	}
}

// TestPlanOfPlugins compares the plan of a run with a plugin, which keeps weights and state twice, with the memory that it takes.
func TestPlanOfPlugins(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(armedEnv, filepath.Join(dir, "armed"))
	t.Setenv(faultEnv, "")
	planHolds(t, append(modelRun(t, "resnet20", "faulty,lr=0.01"), "--plugin", faultyPlugin(t, dir, "faulty")))
}

// TestPluginDescriptors looks at what a plugin has open: its pipes, the shared memory, and nothing of what this process has,
// even if it is meant to be inherited.
func TestPluginDescriptors(t *testing.T) {
	dir := t.TempDir()
	seen := filepath.Join(dir, "seen")
	t.Setenv(armedEnv, seen)
	t.Setenv(faultEnv, "spy")
	inherited, err := syscall.Dup(2)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(inherited)
	runOK(t, trainWith(filepath.Join(dir, "run"), "--plugin", faultyPlugin(t, dir, "faulty"), "--opt", "faulty,lr=0.01")...)
	b, err := os.ReadFile(seen)
	if err != nil {
		t.Fatal(err)
	}
	if want := "0 /dev/null\n1 pipe\n2 pipe\n3 pipe\n4 pipe\n5 /memfd\nleader true\n"; string(b) != want {
		t.Errorf("open are\n%swant\n%s", b, want)
	}
}

// TestPluginIsLikeBuiltIn trains with groups, schedules, averages, several batches an update and a stop: as a program and
// compiled in, an optimizer gives the same bits.
func TestPluginIsLikeBuiltIn(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(armedEnv, filepath.Join(dir, "armed"))
	t.Setenv(faultEnv, "")
	script := faultyPlugin(t, dir, "faulty")
	for n, flags := range [][]string{
		{"--group", "*.bias:weight_decay=0,momentum=0.5", "--group", "head.*:lr=x0.5"},
		{"--schedule", "cosine", "--schedule", "momentum=linear", "--no-decay", "bias"},
		{"--ema", "0.9", "--accumulate", "2", "--clip-norm", "0.5", "--layer-decay", "0.9"},
		{"--freeze", "hidden.*", "--threads", "1"},
	} {
		out := filepath.Join(dir, fmt.Sprint("out", n))
		runOK(t, trainWith(out, append(flags, "--plugin", script, "--opt", "faulty,lr=0.02,weight_decay=0.1")...)...)
		inside := filepath.Join(dir, fmt.Sprint("in", n))
		runOK(t, trainWith(inside, append(flags, "--opt", "inside,lr=0.02,weight_decay=0.1")...)...)
		if a, b := digests(t, out), digests(t, inside); len(a) != 6 || !slices.Equal(a, b) {
			t.Errorf("%v: %v as a program, %v inside", flags, a, b)
		}
	}
}

func init() {
	registry.RegisterSource(registry.Source{Names: func() []string { return nil }, Find: func(name string) (*registry.Entry, error) {
		if name != "inside" {
			return nil, nil
		}
		number := func(name, value, span string) registry.Field {
			return registry.Field{Kind: registry.Number, Default: value, Tags: map[string]string{"name": name, "range": span}}
		}
		fields := []registry.Field{number("lr", "0.1", "[0,inf)"), number("momentum", "0.9", "[0,1)"), number("weight_decay", "0", "[0,inf)")}
		return registry.NewEntry(registry.Info{Name: name}, "", fields, func(h registry.Hyperparameters) (registry.Optimizer, error) {
			return &faulty{faultySettings{Momentum: h.Settings()["momentum"].(float64)}}, nil
		})
	}})
}

// TestRestartedAsAnother has a program that crashed say other things of itself than before when it is started again.
func TestRestartedAsAnother(t *testing.T) {
	dir := t.TempDir()
	script, armed := faultyPlugin(t, dir, "faulty"), filepath.Join(dir, "armed")
	t.Setenv(armedEnv, armed)
	for fault, want := range map[string]string{
		"reshape": "declares other slots than before",
		"rename":  "describes itself otherwise than before",
	} {
		t.Setenv(faultEnv, fault+"@10")
		if err := os.WriteFile(armed, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		out := filepath.Join(dir, fault)
		said := runFails(t, 7, trainWith(out, "--plugin", script, "--opt", "faulty,lr=0.01", "--plugin-restart", "1")...)
		if !strings.Contains(said, want) || !strings.Contains(said, "go on from step 2") {
			t.Errorf("%s:\n%s", fault, said)
		}
		t.Setenv(faultEnv, "")
		runOK(t, "train", "--resume", out, "--progress", "none")
	}
}
