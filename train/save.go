package train

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"github.com/onnxtrain/onnxtrain/data"
	"github.com/onnxtrain/onnxtrain/onnxload"
	"github.com/onnxtrain/onnxtrain/train/checkpoint"
)

// every is how often a run saves checkpoints by itself: after so many steps, or so much time; zero for never.
type every struct {
	steps int
	time  time.Duration
}

func parseEvery(text string) (every, error) {
	if text == "" || text == "never" {
		return every{}, nil
	}
	if n, err := strconv.Atoi(text); err == nil && n > 0 {
		return every{steps: n}, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return every{time: d}, nil
	}
	return every{}, failf(Usage, "--save-every %q: it is a number of steps, a time such as 10m, or never", text)
}

func (e every) never() bool { return e == every{} }

// saveWhenDue saves a checkpoint when it is time or somebody asked for it. One that cannot be saved is tried again at the
// next occasion: training is worth more.
func (r *run) saveWhenDue() error {
	due := r.every.steps > 0 && r.trainer.step%r.every.steps == 0 || r.every.time > 0 && time.Since(r.savedAt) >= r.every.time
	select {
	case <-r.s.SaveNow:
		due = true
	default:
	}
	if !due {
		return nil
	}
	err := r.saveCheckpoint()
	var bad *NonFinite
	if err == nil || errors.As(err, &bad) {
		return err
	}
	r.watch.Warned(err.Error() + "; the next interval tries again")
	return nil
}

// saveCheckpoint saves the run as it stands, unless that is of no use. Its error names the checkpoint that is still good.
func (r *run) saveCheckpoint() error {
	r.savedAt = time.Now()
	if bad := r.trainer.spoiled(r.trainer.step, true); bad != nil {
		return fail(Diverged, bad)
	}
	c, err := r.snapshot()
	if err != nil {
		return fail(Internal, err)
	}
	if err := r.dir.sync(); err != nil {
		return err
	}
	path, err := r.store.Save(c)
	if path != "" {
		r.savedStep, r.savedPath = c.State.Step, path
		r.watch.Checkpointed(path, c.State.Step)
	}
	if err == nil {
		return nil
	}
	text := fmt.Sprintf("checkpoint of step %d: %v", c.State.Step, err)
	if path == "" && r.savedPath != "" {
		text += "; the newest one stays " + r.savedPath
	}
	return fail(Resources, errors.New(text))
}

// finish saves what is left to save; without validation the last weights are the best as well.
func (r *run) finish() error {
	r.result.Seconds = r.seconds()
	var err error
	if r.savedStep != r.trainer.step && (!r.every.never() || r.result.Stopped || r.result.TimeUp) {
		err = r.saveCheckpoint()
	}
	if saved := r.saveLast(); saved != nil {
		return errors.Join(err, saved)
	}
	r.watch.Saved(r.result.LastPath)
	if r.s.Val == nil {
		r.result.BestPath, r.result.BestStep = r.file("best.onnx"), r.result.Steps
		if saved := r.saveBest(); saved != nil {
			return errors.Join(err, saved)
		}
		r.watch.Saved(r.result.BestPath)
	}
	var bad *NonFinite
	if err != nil && !errors.As(err, &bad) && !r.result.Stopped && !r.result.TimeUp { // the run is over: its result is there
		r.watch.Warned(err.Error())
		err = nil
	}
	return errors.Join(err, r.dir.flush())
}

func (r *run) file(name string) string { return filepath.Join(r.dir.Path, name) }

// saveBest saves the weights that are evaluated.
func (r *run) saveBest() error {
	return r.trainer.withEvalWeights(func() error { return r.s.Save(r.result.BestPath, true) })
}

// saveLast saves the weights in training, or those that the optimizer evaluates: the others of such a one are no result.
func (r *run) saveLast() error {
	save := func() error { return r.s.Save(r.result.LastPath, true) }
	if r.trainer.opt.HasEvalWeights() {
		return r.trainer.withEvalWeights(save)
	}
	return save()
}

// newStore is where the checkpoints of the run in a folder lie.
func newStore(dir string, keep int) checkpoint.Store {
	return checkpoint.Store{Dir: filepath.Join(dir, "checkpoints"), Keep: keep}
}

// Save writes the model with the engine's weights to path and verifies the file.
func (s *Session) Save(path string, overwrite bool) error {
	w := onnxload.Weights{Tensors: s.Engine.FileWeights(), Tied: s.Config.Tie, Metadata: map[string]string{}, Overwrite: overwrite}
	if d, ok := s.Train.(data.Described); ok {
		if t := d.Transform(); t != "" {
			w.Metadata["onnxtrain.transform"] = t
		}
		if names := d.ClassNames(); names != nil {
			w.Metadata["onnxtrain.classes"] = classList(names)
		}
	}
	err := s.Model.Save(path, w)
	if errors.Is(err, onnxload.ErrVerify) {
		return fail(Unproven, err)
	}
	return fail(Resources, err)
}
