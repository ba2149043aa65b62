package app

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/train/bench"
)

func TestBenchProfile(t *testing.T) {
	args := []string{"bench", "--model", models + "lenet5.onnx", "--batch", "32", "--steps", "2", "--threads", "1", "--profile"}
	var r bench.Result
	if err := json.Unmarshal([]byte(runOK(t, append(args, "--json")...)), &r); err != nil {
		t.Fatal(err)
	}
	if r.Limits == nil || r.Limits.Threads != 1 || !(r.Limits.F32 > 0) || len(r.Nodes) < 10 {
		t.Fatalf("limits %+v, %d nodes", r.Limits, len(r.Nodes))
	}
	phases := map[string]float64{}
	for i, n := range r.Nodes {
		phases[n.Phase] += n.MS
		if i > 0 && n.MS > r.Nodes[i-1].MS {
			t.Errorf("node %q is slower than the one before it", n.Name)
		}
		if n.Limit != "" && !(n.Share > 0 && n.Share <= 3) {
			t.Errorf("node %q, kernel %s, has %v of the limit", n.Name, n.Kernel, n.Share)
		}
	}
	for _, n := range r.Nodes[:5] {
		if n.Limit == "" || n.GFLOPS == 0 && n.GBS == 0 {
			t.Errorf("slow node without a rate: %+v", n)
		}
	}
	if len(phases) != 2 || !(phases["forward"] > 0) || !(phases["backward"] > 0) {
		t.Errorf("milliseconds by phase: %v", phases)
	}
	if text := runOK(t, args...); !strings.Contains(text, "GFLOP/s in float32") || strings.Count(text, "\n") != 14 {
		t.Errorf("printed %s", text)
	}
}

// traced is an event as viewers read it.
type traced struct {
	Name, Cat, Ph string
	TS, Dur       float64
	PID, TID      int
	Args          map[string]any
}

func (e traced) within(outer traced) bool {
	const rounding = 1e-3 // microseconds
	return e.TS >= outer.TS-rounding && e.TS+e.Dur <= outer.TS+outer.Dur+rounding
}

func TestBenchTrace(t *testing.T) {
	dir := t.TempDir()
	name, link := filepath.Join(dir, "trace.json"), filepath.Join(dir, "link.json")
	if err := errors.Join(os.WriteFile(name, []byte("old"), 0o666), os.Symlink("trace.json", link)); err != nil {
		t.Fatal(err)
	}
	runOK(t, "bench", "--model", models+"lenet5.onnx", "--batch", "32", "--steps", "2", "--opt", "adamw", "--trace", link)
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ TraceEvents []traced }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	var step, span, last traced
	steps, inside, most := 0, 0.0, 0.0 // of the current step: the time of what it consists of; the largest part of a step
	seen := map[string]int{}
	for _, e := range file.TraceEvents {
		if e.Ph == "M" {
			continue
		}
		seen[e.Cat]++
		if e.Ph != "X" || e.Name == "" || e.Dur < 0 {
			t.Errorf("event %+v", e)
		}
		switch e.Cat {
		case "step":
			if steps++; e.TS < step.TS+step.Dur {
				t.Errorf("step %+v begins before the one before it ends", e)
			}
			step, inside, last = e, 0, traced{TS: e.TS}
			continue
		case "phase":
			if span = e; !e.within(step) {
				t.Errorf("phase %+v is not within %+v", e, step)
			}
			continue
		case "forward", "backward":
			if !e.within(span) || span.Name != e.Cat || e.Args["operator"] == "" || e.Args["kernel"] == "" || e.Args["outputs"] == nil {
				t.Errorf("node %+v in phase %+v", e, span)
			}
		case "update":
			if e.Args["optimizer"] != "adamw" {
				t.Errorf("update %+v", e)
			}
		}
		if !e.within(step) || e.TS < last.TS+last.Dur-1e-3 {
			t.Errorf("event %+v of step %+v after %+v", e, step, last)
		}
		last = e
		if inside += e.Dur; e.Cat == "update" {
			most = max(most, inside/step.Dur)
		}
	}
	if steps != 3 || seen["update"] != 3 || seen["forward"] < 3*8 || seen["backward"] < 3*8 {
		t.Errorf("%d steps, events %v", steps, seen)
	}
	if most < 0.5 || most > 1.0001 {
		t.Errorf("the parts of a step take %v of it", most)
	}
}

func TestBenchTraceRefuses(t *testing.T) {
	dir := t.TempDir()
	old := filepath.Join(dir, "trace.json")
	if err := os.WriteFile(old, []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		code int
		want string
		args []string
	}{
		{2, "--trace", []string{"--model", models + "mlp.onnx", "--trace", filepath.Join(dir, "none", "trace.json")}},
		{2, "regular file", []string{"--model", models + "mlp.onnx", "--trace", dir}},
		{2, "--kernels", []string{"--kernels", "--trace", old}},
		{3, "missing.onnx", []string{"--model", filepath.Join(dir, "missing.onnx"), "--trace", old}},
	} {
		if text := runFails(t, c.code, append([]string{"bench"}, c.args...)...); !strings.Contains(text, c.want) {
			t.Errorf("%v: %s", c.args, text)
		}
	}
	if text, err := os.ReadFile(old); err != nil || string(text) != "old" {
		t.Errorf("the old trace is %q, %v", text, err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("%d files are left, %v", len(files), err)
	}
}
