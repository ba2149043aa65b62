//go:build linux

package app

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// fault is what a plugin does wrong in the midst of a run, and what the run says about it.
type fault struct {
	name string
	want string // "": it does no harm
	args []string
}

var faults = []fault{
	{"crash", "it ended (exit status 3)", nil},
	{"signal", "it ended (signal: killed", nil},
	{"hang", "gave no answer", []string{"--plugin-timeout", "1s"}},
	{"nan", "not finite", nil},
	{"nanstate", "not finite", nil},
	{"refuse", "no  [31mmore", nil},
	{"panic", "panic: a bug", nil},
	{"garbage", `"yes, of course`, nil},
	{"count", "says that it made 77 of 4 updates", nil},
	{"endless", "longer than", nil},
	{"closed", "it closed its pipes", []string{"--plugin-timeout", "1s"}},
	{"leak", "--plugin-memory", []string{"--plugin-memory", "200MiB"}},
	{"family", "it ended (exit status 3)", nil},
	{"idle", "it ended (exit status 9)", nil},
	{"flood", "", nil},
}

const faultSteps = 12

// TestPluginFaults has a plugin fail at random moments. The run ends with exit code 7 after a checkpoint of the step before, with
// the weights of a run without faults; goes on from there to the same end; or, with restarts, gets to the end by itself. No
// process and no mapping stays. ONNXTRAIN_LONG=1 makes 300 such runs.
func TestPluginFaults(t *testing.T) {
	total := len(faults)
	if os.Getenv("ONNXTRAIN_LONG") != "" {
		total = 300
	}
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir) // where nothing may be left either
	script := faultyPlugin(t, dir, "faulty")
	armed := filepath.Join(dir, "armed")
	t.Setenv(armedEnv, armed)
	args := func(out string, more ...string) []string {
		return append([]string{"--model", models + "mlp.onnx", "--data", "synthetic:?n=64", "--batch", "16", "--steps", strconv.Itoa(faultSteps),
			"--plugin", script, "--opt", "faulty,lr=0.05", "--digest", "--log-every", "1", "--save-every", "never", "--progress", "none",
			"--plugin-memory", "2GiB", "--out", out}, more...)
	}
	good := filepath.Join(dir, "good")
	runOK(t, args(good)...)
	reference := digests(t, good)
	r := rand.New(rand.NewPCG(1, 2))
	ended := map[string]int{}
	for n := range total {
		f := faults[n%len(faults)]
		restart := (n+n/len(faults))%3 == 2 && f.name != "refuse" && f.name != "panic"
		at := 1 + r.IntN(4*faultSteps)
		if f.name == "idle" {
			at = 1 + r.IntN(4*(faultSteps-4)) // before the run is over
		}
		name := fmt.Sprintf("%d %s@%d restart=%v", n, f.name, at, restart)
		out := filepath.Join(dir, fmt.Sprint("run", n))
		t.Setenv(faultEnv, fmt.Sprintf("%s@%d", f.name, at))
		if err := os.WriteFile(armed, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		more := f.args
		if restart {
			more = append(slices.Clone(more), "--plugin-restart", "1")
		}
		var stdout, stderr bytes.Buffer
		began := time.Now()
		code := run(args(out, more...), &stdout, &stderr)
		t.Logf("%s: exit code %d after %.2f s", name, code, time.Since(began).Seconds())
		check := func() error { return ends(f, code, restart, out, stderr.String(), reference) }
		if err := check(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, stderr.Bytes())
		}
		if code == 7 {
			if code := run([]string{"train", "--resume", out, "--progress", "none"}, &stdout, &stderr); code != 0 {
				t.Fatalf("%s: the resumed run ends with code %d\n%s", name, code, stderr.Bytes())
			}
		}
		if got := digests(t, out); !slices.Equal(got, reference) {
			t.Fatalf("%s: in the end the weights of some step are others:\n%v\n%v", name, got, reference)
		}
		if left := leftovers(t, dir); left != "" {
			t.Fatalf("%s: left over: %s", name, left)
		}
		ended[fmt.Sprintf("%s code %d", f.name, code)]++
		os.RemoveAll(out)
	}
	t.Logf("%d runs: %v", total, ended)
}

// ends checks how a run with a fault ended.
func ends(f fault, code int, restart bool, out, said string, reference []string) error {
	want := 7
	if restart || f.want == "" {
		want = 0
	}
	switch {
	case f.name == "idle" && code == 0 && !restart: // it happened behind the last call
		return nil
	case code != want:
		return fmt.Errorf("exit code %d, want %d", code, want)
	case len(said) > 300<<10:
		return fmt.Errorf("%d bytes of messages", len(said))
	case code == 7 && (!strings.Contains(said, f.want) || !strings.Contains(said, "faulty (")):
		return fmt.Errorf("the message lacks %q or the plugin's name", f.want)
	case restart && f.want != "" && !strings.Contains(said, "starting it again"):
		return fmt.Errorf("no restart is told")
	case strings.ContainsAny(said, "\x1b\a"):
		return fmt.Errorf("control characters come through")
	}
	if code == 0 {
		return nil
	}
	checkpoints, _ := filepath.Glob(filepath.Join(out, "checkpoints", "*", "state.json"))
	if len(checkpoints) != 1 {
		return fmt.Errorf("%d checkpoints", len(checkpoints))
	}
	var state struct{ Step int }
	b, err := os.ReadFile(checkpoints[0])
	if err == nil {
		err = json.Unmarshal(b, &state)
	}
	if err != nil {
		return err
	}
	lines, err := readDigests(out)
	if err != nil {
		return err
	}
	if state.Step != len(lines) || !slices.Equal(lines, reference[:len(lines)]) {
		return fmt.Errorf("the checkpoint is of step %d, metrics of %d steps are there, and they may differ from those without faults",
			state.Step, len(lines))
	}
	return nil
}

func digests(t *testing.T, out string) []string {
	t.Helper()
	list, err := readDigests(out)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// readDigests are the digests of the weights after each step.
func readDigests(out string) ([]string, error) {
	b, err := os.ReadFile(filepath.Join(out, "metrics.jsonl"))
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	var list []string
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		var m struct{ Digest string }
		if err := json.Unmarshal(s.Bytes(), &m); err != nil {
			return nil, err
		}
		list = append(list, m.Digest)
	}
	return list, nil
}

// leftovers names a process that has dir in its command line, or shared memory that is still mapped or open here.
func leftovers(t *testing.T, dir string) string {
	t.Helper()
	var left string
	for range 100 { // a killed process takes a moment
		if left = processes(dir); left == "" {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if left != "" {
		return left
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(maps), "memfd:onnxtrain") {
		return "a mapping"
	}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if to, _ := os.Readlink("/proc/self/fd/" + fd.Name()); strings.Contains(to, "memfd:onnxtrain") {
			return "an open file"
		}
	}
	if strings.HasPrefix(os.TempDir(), dir) {
		if dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), "plugin-dir*")); len(dirs) > 0 {
			return dirs[0]
		}
	}
	return ""
}

// processes are the command lines of a process that holds dir in its own or in its environment, as all have that a plugin starts.
func processes(dir string) string {
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, path := range all {
		line, _ := os.ReadFile(filepath.Join(path, "cmdline")) // empty for a zombie
		environment, _ := os.ReadFile(filepath.Join(path, "environ"))
		if bytes.Contains(line, []byte(dir)) || len(line) > 0 && bytes.Contains(environment, []byte(dir)) {
			return string(bytes.ReplaceAll(line, []byte{0}, []byte(" ")))
		}
	}
	return ""
}
