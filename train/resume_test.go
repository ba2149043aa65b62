package train

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/onnxtrain/onnxtrain/internal/cpu"
	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/train/checkpoint"
)

// observer ends a run after a step, and remembers what it was told.
type observer struct {
	after   int
	stop    context.CancelFunc
	each    func(step int)
	warned  []string
	session *Session
	trainer *Trainer
	plan    Plan
}

func (o *observer) Started(s Start)                      { o.session, o.plan = s.Session, s.Memory }
func (o *observer) Evaluated(Progress, Evaluation, bool) {}
func (o *observer) Saved(string)                         {}
func (o *observer) Checkpointed(string, int)             {}
func (o *observer) Warned(text string)                   { o.warned = append(o.warned, text) }
func (o *observer) Stepped(p Progress) {
	if o.each != nil {
		o.each(p.Step)
	}
	if p.Step == o.after {
		o.stop()
	}
}

// trained runs a configuration and stops it after a step, 0 for the end.
func trained(t *testing.T, c Config, after int) (*Result, *observer) {
	t.Helper()
	r, o, err := attempt(c, &observer{after: after})
	if err != nil {
		t.Fatal(err)
	}
	if r.Stopped != (after > 0) {
		t.Fatalf("stopped: %v, asked to: %v", r.Stopped, after > 0)
	}
	return r, o
}

func attempt(c Config, o *observer) (*Result, *observer, error) {
	s, err := Open(c, true)
	if err != nil {
		return nil, o, err
	}
	defer s.Close()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	o.stop = stop
	r, err := Run(ctx, s, time.Now(), o, false)
	return r, o, err
}

// small is a run that ends in the middle of an epoch, which ends in a short batch and a short accumulation.
func small(model, opt, out string) Config {
	return Config{Model: "../models/" + model + ".onnx", Opt: opt, Loss: "auto", Init: "file", BN: "auto", LossTerms: "batch+seq",
		Data: "synthetic:?n=28", Batch: 8, Steps: 20, Accumulate: 1, Schedule: "cosine", Warmup: "10%", Workers: 2, Seed: 3,
		LogEvery: 1, Digest: true, SaveEvery: "never", Keep: 2, Out: out}
}

// results are the weights and the lines of metrics of a run, without times.
func results(t *testing.T, run string) (model []byte, lines []string) {
	t.Helper()
	model, err := os.ReadFile(filepath.Join(run, "last.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(run, "metrics.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		m := map[string]any{}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"t", "opt_ms", "ex_per_s"} {
			delete(m, key)
		}
		var text strings.Builder
		for _, key := range slices.Sorted(maps.Keys(m)) {
			fmt.Fprintf(&text, "%s=%v ", key, m[key])
		}
		lines = append(lines, text.String())
	}
	return model, lines
}

// sameRun compares two runs bit for bit.
func sameRun(t *testing.T, a, b string) {
	t.Helper()
	model, lines := results(t, a)
	model2, lines2 := results(t, b)
	for i := range max(len(lines), len(lines2)) {
		if i >= len(lines) || i >= len(lines2) || lines[i] != lines2[i] {
			t.Errorf("metrics differ from line %d on: %d and %d lines\n%v\n%v", i+1, len(lines), len(lines2), lines[min(i, len(lines)-1)], lines2[min(i, len(lines2)-1)])
			break
		}
	}
	if !bytes.Equal(model, model2) {
		t.Error("the weights differ")
	}
}

// resumes trains without a break, and again with a stop after a step and another number of threads from there on.
func resumes(t *testing.T, change func(*Config), model, opt string, stop int) {
	t.Helper()
	dir := t.TempDir()
	whole, parts := small(model, opt, filepath.Join(dir, "whole")), small(model, opt, filepath.Join(dir, "parts"))
	if change != nil {
		change(&whole)
		change(&parts)
	}
	whole.Threads, parts.Threads = 1, 2
	trained(t, whole, 0)
	trained(t, parts, stop)
	parts.Resume, parts.Threads, parts.Workers = "auto", 1, 1
	_, o := trained(t, parts, 0)
	if len(o.warned) > 0 {
		t.Errorf("warned: %q", o.warned)
	}
	sameRun(t, whole.Out, parts.Out)
}

// TestResumeIsExactForEveryOptimizer stops in the middle of an epoch and of a schedule.
func TestResumeIsExactForEveryOptimizer(t *testing.T) {
	for _, name := range registry.Names() {
		t.Run(name, func(t *testing.T) { resumes(t, nil, "mlp", name, 10) })
	}
}

// TestResumeIsExact covers what else a run is made of.
func TestResumeIsExact(t *testing.T) {
	few := func(c *Config) { c.Steps = 8 }
	for _, c := range []struct {
		name, model, opt string
		stop             int
		change           func(*Config)
	}{
		{"batch normalisation", "resnet20", "sgd,momentum=0.9", 3, few},
		{"dropout", "vit", "adamw", 3, few},
		{"tokens and dropout", "gpt", "ifshampoo", 3, few},
		{"bf16 state", "mlp", "ifshampoo,factor_dtype=bf16", 7, nil},
		{"bf16 state of a model in bf16", "lenet5", "ifshampoo", 3, func(c *Config) { c.Steps, c.DType = 8, "bf16" }},
		{"at the end of an epoch", "mlp", "adamw", 4, nil},
		{"accumulation", "mlp", "adamw", 5, func(c *Config) { c.Accumulate = 3 }},
		{"clipping without decay of biases", "lenet5", "adamw", 3, func(c *Config) { c.Steps, c.ClipNorm, c.NoDecay = 8, 0.5, []string{"bias"} }},
		{"frozen layers", "lenet5", "rfrmsprop", 3, func(c *Config) { c.Steps, c.Freeze = 8, []string{"conv1.*"} }},
		{"validation", "mlp", "adamw", 5, func(c *Config) { c.Val, c.EvalEvery, c.Data = "split=0.3", 3, "synthetic:?n=40" }},
		{"average of weights", "lenet5", "adamw", 5, func(c *Config) { c.EMA, c.Val, c.EvalEvery, c.Steps = 0.9, "synthetic:?n=20&split=val", 3, 10 }},
		{"groups, layers and schedules", "mlp", "adamw", 7, func(c *Config) {
			c.Group, c.LayerDecay, c.Schedule = []string{"*.bias:weight_decay=0,lr=x0.5"}, 0.7, "cosine;beta1=linear,end=0.5"
		}},
		{"fresh weights", "mlp", "lion", 10, func(c *Config) { c.Init = "fresh" }},
		{"file order, sparse logging", "mlp", "muon", 10, func(c *Config) { c.NoShuffle, c.LogEvery = true, 3 }},
		{"augmentation", "resnet20", "adamw", 3, func(c *Config) { c.Steps, c.Data = 8, "cifar10:"+fakeCIFAR(t)+"?crop=4&flip=1" }},
	} {
		t.Run(c.name, func(t *testing.T) { resumes(t, c.change, c.model, c.opt, c.stop) })
	}
}

// fakeCIFAR is a folder in CIFAR-10's form with a few images of noise.
func fakeCIFAR(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	r := rand.NewChaCha8([32]byte{1})
	for _, name := range []string{"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"} {
		records := make([]byte, 6*3073)
		r.Read(records)
		for i := 0; i < len(records); i += 3073 {
			records[i] %= 10
		}
		if err := os.WriteFile(filepath.Join(dir, name+".bin"), records, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestInterruptedEvaluationIsMadeUp stops a run while it evaluates.
func TestInterruptedEvaluationIsMadeUp(t *testing.T) {
	dir := t.TempDir()
	change := func(c *Config) {
		c.Val, c.EvalEvery, c.Data, c.Steps = "synthetic:?n=20&split=val", 4, "synthetic:?n=28", 8
	}
	whole, parts := small("mlp", "adamw", filepath.Join(dir, "whole")), small("mlp", "adamw", filepath.Join(dir, "parts"))
	change(&whole)
	change(&parts)
	trained(t, whole, 0)
	for _, stop := range []int{4, 8} { // what comes next is the evaluation
		trained(t, parts, stop)
		parts.Resume = parts.Out
	}
	trained(t, parts, 0)
	sameRun(t, whole.Out, parts.Out)
}

// TestResumeFallsBack spoils the newest checkpoint: the one before it is taken, with a message.
func TestResumeFallsBack(t *testing.T) {
	dir := t.TempDir()
	whole, parts := small("mlp", "adamw", filepath.Join(dir, "whole")), small("mlp", "adamw", filepath.Join(dir, "parts"))
	trained(t, whole, 0)
	parts.SaveEvery = "4"
	trained(t, parts, 10)
	newest := filepath.Join(parts.Out, "checkpoints", "step-00000010")
	file := filepath.Join(newest, "weights.safetensors")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(file, b, 0o666); err != nil {
		t.Fatal(err)
	}
	given := parts
	given.Resume = newest
	if _, _, err := attempt(given, &observer{}); kind(err) != Unproven {
		t.Errorf("a spoiled checkpoint that is asked for: %v", err)
	}
	parts.Resume = parts.Out
	_, o := trained(t, parts, 0)
	if len(o.warned) != 1 || !strings.Contains(o.warned[0], "step-00000010") {
		t.Errorf("warned %q", o.warned)
	}
	sameRun(t, whole.Out, parts.Out)
	// With all of them spoiled the run is not begun anew behind the user's back.
	for _, path := range glob(t, filepath.Join(parts.Out, "checkpoints", "*", "state.json")) {
		if err := os.WriteFile(path, nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := attempt(parts, &observer{}); kind(err) != Unproven {
		t.Errorf("all checkpoints spoiled: %v", err)
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d files, %v", pattern, len(files), err)
	}
	return files
}

func kind(err error) Kind {
	var f *Failure
	if errors.As(err, &f) {
		return f.Kind
	}
	return 0
}

// TestGoingBack resumes from an older checkpoint: what came after it is taken back, and comes again.
func TestGoingBack(t *testing.T) {
	dir := t.TempDir()
	whole, parts := small("mlp", "adamw", filepath.Join(dir, "whole")), small("mlp", "adamw", filepath.Join(dir, "parts"))
	parts.SaveEvery, parts.Keep = "5", 9
	trained(t, whole, 0)
	trained(t, parts, 0)
	parts.Resume = filepath.Join(parts.Out, "checkpoints", "step-00000010")
	trained(t, parts, 12)
	if _, lines := results(t, parts.Out); len(lines) != 12 {
		t.Errorf("%d lines of metrics after 12 steps", len(lines))
	}
	if left := glob(t, filepath.Join(parts.Out, "checkpoints", "*")); filepath.Base(left[len(left)-1]) != "step-00000012" {
		t.Errorf("checkpoints %q", left)
	}
	parts.Resume = "auto"
	trained(t, parts, 0)
	sameRun(t, whole.Out, parts.Out)
}

// TestRunWithoutCheckpoint begins anew what was killed before its first checkpoint, half a line of metrics included.
func TestRunWithoutCheckpoint(t *testing.T) {
	dir := t.TempDir()
	whole, parts := small("mlp", "adamw", filepath.Join(dir, "whole")), small("mlp", "adamw", filepath.Join(dir, "parts"))
	trained(t, whole, 0)
	parts.Resume = "auto"
	trained(t, parts, 0) // there is no run yet
	if err := os.RemoveAll(filepath.Join(parts.Out, "checkpoints")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(parts.Out, "metrics.jsonl"), []byte(`{"step":1,"loss":2}`+"\n"+`{"step":2,"lo`), 0o666); err != nil {
		t.Fatal(err)
	}
	trained(t, parts, 0)
	sameRun(t, whole.Out, parts.Out)
}

// TestResumeRefusesOtherMathematics changes one setting after the other.
func TestResumeRefusesOtherMathematics(t *testing.T) {
	c := small("mlp", "adamw", filepath.Join(t.TempDir(), "run"))
	trained(t, c, 4)
	rate := 0.5
	for _, x := range []struct {
		name   string
		change func(*Config)
		kind   Kind
		want   []string
	}{
		{"batch", func(c *Config) { c.Batch = 4 }, Usage, []string{"--batch 4", "the run's 8", "config.yaml"}},
		{"optimizer", func(c *Config) { c.Opt = "sgd" }, Usage, []string{"--opt sgd", "adamw"}},
		{"learning rate", func(c *Config) { c.LR = &rate }, Usage, []string{"--lr 0.5", "default"}},
		{"seed", func(c *Config) { c.Seed = 4 }, Usage, []string{"--seed 4", "3"}},
		{"data", func(c *Config) { c.Data = "synthetic:?n=30" }, Usage, []string{"--data", "n=30", "n=28"}},
		{"schedule", func(c *Config) { c.Schedule = "constant" }, Usage, []string{"--schedule constant", "cosine"}},
		{"model", func(c *Config) { c.Model = "../models/lenet5.onnx" }, Usage, []string{"lenet5.onnx", "SHA-256"}},
		{"folder", func(c *Config) { c.Resume, c.Out = c.Out, "elsewhere" }, Usage, []string{"elsewhere"}},
		{"no run", func(c *Config) { c.Resume = "nowhere" }, Usage, []string{"nowhere", "run directory"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			c := c
			c.Resume = "auto"
			x.change(&c)
			_, _, err := attempt(c, &observer{})
			if kind(err) != x.kind {
				t.Fatalf("error %v", err)
			}
			for _, w := range x.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q does not mention %q", err, w)
				}
			}
		})
	}
	c.Resume, c.Epochs, c.Threads, c.LogEvery, c.Keep = "auto", 2, 1, 2, 5 // instead of Steps
	r, _ := trained(t, c, 0)
	if r.Steps != 8 {
		t.Errorf("%d steps in two epochs of four", r.Steps)
	}
}

// TestTimeAndRequests stops by the clock and saves when asked.
func TestTimeAndRequests(t *testing.T) {
	c := small("mlp", "adamw", filepath.Join(t.TempDir(), "run"))
	c.Steps, c.Time = 1_000_000, 200*time.Millisecond
	s, err := Open(c, true)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	save := make(chan struct{}, 1)
	s.SaveNow = save
	r, err := Run(context.Background(), s, time.Now(), &observer{each: func(step int) {
		if step == 2 {
			save <- struct{}{}
		}
	}}, false)
	if err != nil || !r.TimeUp || r.Stopped || r.Steps < 2 {
		t.Fatalf("%+v, %v", r, err)
	}
	for _, step := range []int{2, r.Steps} {
		if c, err := checkpoint.Open(filepath.Join(c.Out, "checkpoints", fmt.Sprintf("step-%08d", step))); err != nil || c.State.Step != step {
			t.Error(err)
		}
	}
}

// TestFullDisk goes on training, warns, and saves when there is room again.
func TestFullDisk(t *testing.T) {
	c := small("mlp", "adamw", filepath.Join(t.TempDir(), "run"))
	c.SaveEvery = "5"
	s, err := Open(c, true)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	o := &observer{}
	r, _, err := prepare(s, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.open(time.Now()); err != nil {
		t.Fatal(err)
	}
	defer r.dir.Close()
	disk := &fullDisk{}
	r.store.FS = disk
	o.each = func(step int) { disk.full = step > 7 && step < 18 }
	if err := errors.Join(r.begin(t.Context()), r.epochs(t.Context()), r.finish()); err != nil {
		t.Fatal(err)
	}
	if len(o.warned) != 2 || !strings.Contains(o.warned[0], "step-00000005") || !strings.Contains(o.warned[0], "step 10") {
		t.Errorf("warned %q", o.warned)
	}
	if have := glob(t, filepath.Join(c.Out, "checkpoints", "*")); len(have) != 2 || filepath.Base(have[1]) != "step-00000020" {
		t.Errorf("checkpoints %q", have)
	}
}

type fullDisk struct {
	checkpoint.Disk
	full bool
}

func (d *fullDisk) Create(path string) (checkpoint.File, error) {
	if d.full {
		return nil, syscall.ENOSPC
	}
	return d.Disk.Create(path)
}

// TestInitFrom takes weights from a run, a model and a safetensors file.
func TestInitFrom(t *testing.T) {
	dir := t.TempDir()
	c := small("mlp", "adamw", filepath.Join(dir, "first"))
	c.SaveEvery = "10m"
	trained(t, c, 0)
	want, err := readModelWeights(filepath.Join(c.Out, "best.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	open := func(from, model string) (*Session, error) {
		c := small(model, "sgd", "")
		c.InitFrom = from
		return Open(c, true)
	}
	for _, from := range []string{c.Out, filepath.Join(c.Out, "last.onnx"), filepath.Join(c.Out, "checkpoints", "step-00000020", "weights.safetensors")} {
		s, err := open(from, "mlp")
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range s.Engine.Params {
			if !bytes.Equal(s.Engine.Values[i].Data, want[p.Name].Data) {
				t.Errorf("%s: %q is not what was trained", from, p.Name)
			}
		}
		s.Close()
	}
	if _, err := open(c.Out, "gpt"); kind(err) != Usage || !strings.Contains(err.Error(), "none of the model's weights") {
		t.Errorf("weights of another model: %v", err)
	}
	odd := filepath.Join(dir, "odd.safetensors")
	var file bytes.Buffer
	if err := checkpoint.WriteTensors(&file, []checkpoint.Named{{Name: "head.bias", Tensor: tensor.New(tensor.Float32, 3)}}, nil); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(odd, file.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := open(odd, "mlp"); kind(err) != Usage || !strings.Contains(err.Error(), "head.bias") {
		t.Errorf("weights of another shape: %v", err)
	}
}

// TestOtherInstructionSet says that bits may differ when a run goes on with another one.
func TestOtherInstructionSet(t *testing.T) {
	c := small("mlp", "adamw", filepath.Join(t.TempDir(), "run"))
	c.ISA = "generic"
	trained(t, c, 4)
	c.ISA, c.Resume = "", "auto"
	_, o := trained(t, c, 0)
	if other := cpu.Detected().String() != "generic"; other != (len(o.warned) == 1 && strings.Contains(o.warned[0], "last bits")) {
		t.Errorf("warned %q on %v", o.warned, cpu.Detected())
	}
}

// TestMetricsOnAFullDisk keeps lines that cannot be written until there is room.
func TestMetricsOnAFullDisk(t *testing.T) {
	fullFile, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no /dev/full here")
	}
	defer fullFile.Close()
	out := t.TempDir()
	d, err := openRunDir(&Config{Out: out}, false)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	file := d.metrics
	for step := range 4 {
		d.metrics = file
		if step == 1 || step == 2 {
			d.metrics = fullFile
		}
		if err := d.Log(Metrics{Step: step}); full(err) != (d.metrics == fullFile) {
			t.Errorf("step %d: %v", step, err)
		}
	}
	b, err := os.ReadFile(filepath.Join(out, "metrics.jsonl"))
	if err != nil || strings.Count(string(b), "\n") != 4 || !strings.Contains(string(b), `{"step":2,`) {
		t.Errorf("%v: %s", err, b)
	}
}
