package train

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"math"
	"os"
	"strings"

	"github.com/onnxtrain/onnxtrain/internal/cpu"
	"github.com/onnxtrain/onnxtrain/train/checkpoint"
)

// snapshot is the run as it stands between two updates. Its tensors are the live ones.
func (r *run) snapshot() (*checkpoint.Checkpoint, error) {
	config, err := r.s.Config.YAML()
	if err != nil {
		return nil, err
	}
	t := r.trainer
	c := &checkpoint.Checkpoint{Weights: t.Engine.weights(), Optimizer: t.slots(), Config: config}
	s := &c.State
	*s = checkpoint.State{
		Model: r.model, Data: r.s.Train.Len(), Optimizer: t.opt.Hypers.String(), ISA: cpu.Current().String(),
		Step: t.step, Seed: t.Seed, Steps: r.total, Epoch: r.at.epoch, Batches: r.at.batches,
		Examples: r.examples, Seconds: r.seconds(), NonFinite: r.nonFinite,
		Interval: checkpoint.Interval{Loss: r.window.loss, Steps: r.window.steps},
	}
	for i, p := range t.opt.Params {
		s.Updates = append(s.Updates, checkpoint.Count{Name: p.Name, N: t.opt.Updates[i]})
	}
	if b := r.result.Best; b != nil {
		s.Best = &checkpoint.Score{Step: r.result.BestStep, Loss: b.Loss, Top1: b.Top1, Top5: b.Top5, Perplexity: min(b.Perplexity, math.MaxFloat64),
			Examples: b.Examples, Classified: b.Classified}
	}
	if r.pending != nil {
		s.Pending, err = json.Marshal(r.pending)
	}
	return c, err
}

func (t *Trainer) slots() []checkpoint.Named {
	var list []checkpoint.Named
	for _, s := range t.opt.Slots {
		list = append(list, checkpoint.Named{Name: s.Name, Tensor: s.Tensor})
	}
	return list
}

// restore puts weights, optimizer state and counters in place.
func (t *Trainer) restore(c *checkpoint.Saved) error {
	s := &c.State
	if have := t.opt.Hypers.String(); s.Optimizer != have {
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

// restore goes on from a checkpoint of this run.
func (r *run) restore(c *checkpoint.Saved) error {
	s := &c.State
	switch {
	case s.Model != r.model:
		return failf(Usage, "%s is another model than the one that %s was trained from (SHA-256 %.12s, not %.12s)", r.s.Config.Model, c.Path, r.model, s.Model)
	case s.Data != r.s.Train.Len():
		return failf(BadData, "the training data have %d examples now and had %d when %s was written", r.s.Train.Len(), s.Data, c.Path)
	case s.Seed != r.trainer.Seed:
		return failf(Usage, "%s is of seed %d, this is %d", c.Path, s.Seed, r.trainer.Seed)
	}
	if err := r.trainer.restore(c); err != nil {
		return err
	}
	if now := cpu.Current().String(); s.ISA != now {
		r.watch.Warned("the checkpoint was computed with " + s.ISA + " and goes on with " + now + ": results may differ in the last bits")
	}
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

// hashFile is the SHA-256 of a file in hexadecimal digits.
func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), err
}
