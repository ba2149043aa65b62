package train

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/onnxtrain/onnxtrain/internal/cpu"
	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/train/checkpoint"
)

// restoreFrom goes on from a run or one of its checkpoints.
func (r *run) restoreFrom(path string) error {
	if filepath.Clean(path) == filepath.Clean(r.dir.Path) {
		found, err := r.restoreNewest()
		if err == nil && !found {
			r.watch.Warned(path + " holds no checkpoint yet: the run begins anew")
		}
		return err
	}
	c, err := checkpoint.Open(path)
	if err != nil {
		return failf(Unproven, "the checkpoint is not whole: %w; name the run to go on from the newest one that is", err)
	}
	r.savedStep, r.savedPath = c.State.Step, c.Path
	return r.restore(c)
}

// restoreNewest goes on from the newest checkpoint that is whole and says which were passed over. found is false when
// there is none at all, so that the run begins anew.
func (r *run) restoreNewest() (found bool, err error) {
	c, bad := r.store.Newest()
	if c == nil && len(bad) > 0 {
		return false, failf(Unproven, "%s: no checkpoint is whole: %w; remove the folder to begin anew", r.store.Dir, errors.Join(bad...))
	}
	for _, err := range bad {
		r.watch.Warned("a checkpoint is not whole and passed over: " + strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	if c == nil {
		return false, nil
	}
	r.savedStep, r.savedPath = c.State.Step, c.Path
	return true, r.restore(c)
}

// restore puts weights, optimizer state and counters in place.
func (t *Trainer) restore(c *checkpoint.Saved) error {
	s := &c.State
	if err := t.sameFile(c); err != nil {
		return err
	}
	if have := t.opt.Hypers.String(); !sameOptimizer(s.Optimizer, have) {
		return failf(Usage, "%s is of optimizer %s, this is %s", c.Path, s.Optimizer, have)
	}
	if len(s.Updates) != len(t.opt.Params) {
		return failf(Usage, "%s holds %d parameters, the model trains %d", c.Path, len(s.Updates), len(t.opt.Params))
	}
	for i, u := range s.Updates {
		if u.Name != t.opt.Params[i].Name {
			return failf(Usage, "%s holds parameter %q where the model has %q", c.Path, u.Name, t.opt.Params[i].Name)
		}
	}
	if err := c.Load(t.Engine.weights(), t.slots()); err != nil {
		return fail(Unproven, err)
	}
	for i, u := range s.Updates {
		t.opt.Updates[i] = u.N
	}
	t.step = s.Step
	return nil
}

// plugin is the identity of an optimizer that is a file, nil of one that is compiled in.
func plugin(e *registry.Entry) *checkpoint.Plugin {
	if e.Digest == "" {
		return nil
	}
	return &checkpoint.Plugin{Name: e.Name, Version: e.Version, Digest: e.Digest}
}

// sameFile compares the file of an optimizer that is one. Checkpoints of older versions do not say which it was.
func (t *Trainer) sameFile(c *checkpoint.Saved) error {
	saved, now := c.State.Plugin, t.opt.Entry
	switch {
	case saved == nil || saved.Digest == now.Digest || t.otherFile:
		return nil
	case now.Digest == "":
		return failf(Usage, "%s was written with an optimizer %s that is a file (SHA-256 %s), and %s is compiled in; start a new run with --init-from",
			c.Path, saved.Name, saved.Digest, now.Name)
	}
	return failf(Usage, "%s is not the file that %s was written with: its SHA-256 is %s, not %s; put that one in its place, "+
		"or go on with this one by --changed-optimizer",
		now.Origin, c.Path, now.Digest, saved.Digest)
}

// sameOptimizer compares settings; one that a checkpoint does not know yet had what is its default now.
func sameOptimizer(saved, now string) bool {
	entry, settings, err := registry.Parse(saved)
	if err != nil {
		return false
	}
	_, h, err := entry.New(settings)
	return err == nil && h.String() == now
}

// otherCPU warns of one that rounds in other ways. Processors of one kind and another with the same instruction set give the
// same bits.
func (r *run) otherCPU(s *checkpoint.State) {
	then, now := s.ISA, cpu.Current().String()
	if s.Arch != "" && s.Arch != runtime.GOARCH {
		then, now = then+" on "+s.Arch, now+" on "+runtime.GOARCH
	}
	if then != now {
		r.watch.Warned("the checkpoint was computed with " + then + " and goes on with " + now + ": results may differ in the last bits")
	}
}

// restore goes on from a checkpoint of this run.
func (r *run) restore(c *checkpoint.Saved) error {
	s := &c.State
	switch {
	case s.Model != r.model:
		return failf(Usage, "%s is another model than the one that %s was trained from (SHA-256 %.12s, not %.12s)", r.s.Config.Model, c.Path, r.model, s.Model)
	case s.Data != r.s.Train.Len():
		return failf(BadData, "the training data have %d examples now and had %d when %s was written", r.s.Train.Len(), s.Data, c.Path)
	case s.DataSum != "" && s.DataSum != r.data:
		return failf(BadData, "the training data are as many and not the same as when %s was written (examples, order, classes or transform); "+
			"bring those back, or begin a new run with --init-from %s", c.Path, r.dir.Path)
	case s.Seed != r.trainer.Seed:
		return failf(Usage, "%s is of seed %d, this is %d", c.Path, s.Seed, r.trainer.Seed)
	}
	if err := r.trainer.restore(c); err != nil {
		return err
	}
	r.otherCPU(s)
	if s.Steps != r.total && (r.s.Config.Schedule != "constant" || strings.HasSuffix(r.s.Config.Warmup, "%")) {
		r.watch.Warned("the run has another length than before: the schedule goes on as if it had always had the new one")
	}
	r.at = position{s.Epoch, s.Batches}
	r.examples, r.earlier, r.nonFinite = s.Examples, s.Seconds, s.NonFinite
	r.window = window{loss: s.Interval.Loss, steps: s.Interval.Steps}
	r.result.Steps, r.result.Best, r.result.BestPath = s.Step, nil, ""
	if b := s.Best; b != nil {
		r.result.Best = &Evaluation{Loss: b.Loss, Top1: b.Top1, Top5: b.Top5, Perplexity: b.Perplexity, Examples: b.Examples, Classified: b.Classified}
		r.result.BestStep, r.result.BestPath = b.Step, r.file("best.onnx")
	}
	r.pending = nil
	if s.Pending != nil {
		r.pending = &Metrics{}
		if err := json.Unmarshal(s.Pending, r.pending); err != nil {
			return failf(Unproven, "%s: pending metrics: %v", c.Path, err)
		}
	}
	return nil
}
