package train

import (
	"context"
	"time"

	"github.com/onnxtrain/onnxtrain/data"
	"github.com/onnxtrain/onnxtrain/train/checkpoint"
)

// Observer follows a run; cmd prints what it is told.
type Observer interface {
	Started(Start)
	Stepped(Progress)
	Evaluated(Progress, Evaluation, bool) // the bool says whether it is the best so far
	Saved(path string)
	Checkpointed(path string, step int)
	Warned(text string)
}

// Start is what a run knows before its first step.
type Start struct {
	Session    *Session
	Dir        string
	Optimizer  string // with its settings
	From       int    // updates done before, of a run that is resumed
	Steps      int
	PerEpoch   int
	StateBytes int64
	Plan       int64 // bytes, of all of Memory
	Memory     Plan
}

// Progress is where a run stands.
type Progress struct {
	StepResult
	Steps     int
	PerSecond float64 // examples, over the last steps
	Seconds   float64 // of training, since the start
	Logged    bool    // whether this step is one of --log-every
}

// Result is how a run ended.
type Result struct {
	Dir        string
	Steps      int
	Loss       float64 // mean over the last logged interval
	Final      *Evaluation
	Best       *Evaluation
	BestStep   int
	BestPath   string
	LastPath   string
	Stopped    bool // by the context, after a clean end of a step
	TimeUp     bool // Config.Time ran out before the last step
	Seconds    float64
	LastResult StepResult
}

// Run trains as the session's configuration says. When ctx ends, the step at hand is finished, a checkpoint and last.onnx
// are saved and the result says Stopped. A dry run ends before anything is written or computed.
func Run(ctx context.Context, s *Session, now time.Time, watch Observer, dry bool) (*Result, error) {
	r, start, err := prepare(s, watch)
	if err != nil {
		return nil, err
	}
	defer r.trainer.opt.Close()
	if dry {
		watch.Started(start)
		return &Result{}, nil
	}
	if err := r.open(now); err != nil {
		return nil, err
	}
	defer r.dir.Close()
	start.Dir, start.From = r.dir.Path, r.trainer.step
	watch.Started(start)
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	if err := r.epochs(ctx); err != nil {
		return nil, err
	}
	return r.result, r.finish()
}

type run struct {
	s         *Session
	trainer   *Trainer
	loader    *data.Loader
	dir       *RunDir
	watch     Observer
	total     int // updates
	updates   int // of an epoch
	evalEvery int

	at       position
	start    time.Time
	earlier  float64 // seconds before this start, of a run that was resumed
	examples int
	window   window
	pending  *Metrics // of the last step, while its evaluation is to be done
	result   *Result

	model     string // SHA-256
	data      string // fingerprint
	store     checkpoint.Store
	every     every
	savedAt   time.Time
	savedStep int // -1 before the first checkpoint
	savedPath string
	diskFull  bool // when metrics were written last

	policy    policy
	nonFinite int // steps that were not finite
}

// prepare makes all that a run needs and writes nothing.
func prepare(s *Session, watch Observer) (*run, Start, error) {
	c := &s.Config
	perEpoch := (s.Train.Len() + c.Batch - 1) / c.Batch
	r := &run{s: s, watch: watch, updates: (perEpoch + c.Accumulate - 1) / c.Accumulate, savedStep: -1, result: &Result{},
		loader: data.NewLoader(s.Train, data.LoaderOptions{Batch: c.Batch, Seed: c.Seed, Shuffle: !c.NoShuffle, Workers: c.Workers})}
	if c.Epochs == 0 && c.Steps == 0 {
		c.Epochs = 3
	}
	if r.total = c.Steps; r.total == 0 {
		r.total = c.Epochs * r.updates
	}
	if r.evalEvery = c.EvalEvery; r.evalEvery == 0 {
		r.evalEvery = r.updates
	}
	var start Start
	var err error
	if r.every, err = parseEvery(c.SaveEvery); err != nil {
		return nil, start, err
	}
	if r.policy, err = parsePolicy(c.OnNonfinite); err != nil {
		return nil, start, err
	}
	if r.trainer, err = NewTrainer(s.Engine, c, r.total); err != nil {
		return nil, start, err
	}
	plan, err := r.plan()
	if err != nil {
		return nil, start, err
	}
	return r, Start{Session: s, Optimizer: r.trainer.opt.Entry.Name + " " + r.trainer.opt.Hypers.String(), Steps: r.total,
		PerEpoch: r.updates, StateBytes: plan.State, Plan: plan.Total(), Memory: plan}, nil
}

// open makes the run directory, or opens the one to go on in and restores what it holds.
func (r *run) open(now time.Time) (err error) {
	c := &r.s.Config
	if r.model, err = hashFile(c.Model); err != nil {
		return fail(BadModel, err)
	}
	r.data = fingerprint(r.s.Train)
	if c.Resume == "" {
		r.dir, err = CreateRunDir(c, r.trainer.opt.Entry.Name, now)
	} else {
		r.dir = &RunDir{Path: c.Out} // for paths, until the run is found fit
		r.store = newStore(c.Out, c.Keep)
		if err = r.restoreFrom(c.Resume); err == nil {
			r.dir, err = openRunDir(c, false)
		}
		if err == nil {
			err = r.dir.rewind(r.trainer.step)
		}
	}
	if err != nil {
		return err
	}
	r.store = newStore(r.dir.Path, c.Keep)
	r.result.Dir, r.result.LastPath = r.dir.Path, r.file("last.onnx")
	return nil
}

// begin starts the clocks and does what the step before left undone.
func (r *run) begin(ctx context.Context) error {
	r.start = time.Now()
	r.savedAt, r.window.began = r.start, r.start
	if r.pending != nil {
		if err := r.evaluate(ctx, Progress{StepResult: StepResult{Step: r.pending.Step, Epoch: r.pending.Epoch}, Steps: r.total}, r.pending); err != nil {
			return err
		}
	}
	if r.policy.action == "rollback" && r.savedStep < 0 {
		return r.saveCheckpoint()
	}
	return nil
}

func (r *run) seconds() float64 {
	if r.start.IsZero() {
		return r.earlier
	}
	return r.earlier + time.Since(r.start).Seconds()
}
