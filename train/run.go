package train

import (
	"context"
	"errors"
	"math"
	"path/filepath"
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
	Plan       int64 // bytes
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
	store     checkpoint.Store
	every     every
	savedAt   time.Time
	savedStep int // -1 before the first checkpoint
	savedPath string

	policy    policy
	nonFinite int // steps that were not finite
}

// position is how far a run is in its data.
type position struct {
	epoch   int
	batches int // done, of the epoch
}

// window measures speed and loss between logged steps.
type window struct {
	began    time.Time
	examples int
	loss     float64
	steps    int
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
	p, err := s.Engine.Program(min(c.Batch, s.Train.Len()), true)
	if err != nil {
		return nil, start, err
	}
	state := r.trainer.StateBytes()
	return r, Start{Session: s, Optimizer: r.trainer.opt.Entry.Name + " " + r.trainer.opt.Hypers.String(), Steps: r.total,
		PerEpoch: r.updates, StateBytes: state, Plan: p.Memory().Total() + state}, nil
}

// open makes the run directory, or opens the one to go on in and restores what it holds.
func (r *run) open(now time.Time) (err error) {
	c := &r.s.Config
	if r.model, err = hashFile(c.Model); err != nil {
		return fail(BadModel, err)
	}
	if c.Resume == "" {
		r.dir, err = CreateRunDir(c, r.trainer.opt.Entry.Name, now)
	} else {
		r.dir = &RunDir{Path: c.Out} // for paths, until the run is found fit
		r.store = newStore(c.Out, c.Keep)
		if err = r.restoreFrom(c.Resume); err == nil {
			r.dir, err = openRunDir(c)
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

// epochs repeats the data until the steps are done, ctx ends or time is up.
func (r *run) epochs(ctx context.Context) error {
	for r.trainer.step < r.total {
		it := r.loader.Epoch(ctx, r.at.epoch, r.at.batches)
		done, err := r.epoch(ctx, it)
		it.Close()
		if err != nil {
			return err
		}
		if done {
			break
		}
		r.at = position{epoch: r.at.epoch + 1}
	}
	r.result.Stopped = r.result.Stopped || r.pending != nil
	return nil
}

// epoch trains on the rest of an epoch; done says that the run is over.
func (r *run) epoch(ctx context.Context, it *data.Iterator) (done bool, err error) {
	var batches []*data.Batch
	for r.trainer.step < r.total {
		if r.over(ctx) {
			return true, nil
		}
		batch, err := it.Next()
		if err != nil {
			if errors.Is(err, context.Canceled) {
				continue
			}
			return false, fail(BadData, err)
		}
		if batch != nil {
			if batches = append(batches, batch); len(batches) < r.s.Config.Accumulate {
				continue
			}
		}
		if len(batches) == 0 {
			return false, nil
		}
		if err := r.step(ctx, batches); err != nil {
			return false, err
		}
		for _, b := range batches {
			b.Release()
		}
		batches = batches[:0]
		if batch == nil {
			return false, nil
		}
	}
	return true, nil
}

// over says whether the run ends early, between two steps.
func (r *run) over(ctx context.Context) bool {
	r.result.Stopped = ctx.Err() != nil
	limit := r.s.Config.Time
	r.result.TimeUp = !r.result.Stopped && limit > 0 && time.Since(r.start) >= limit
	return r.result.Stopped || r.result.TimeUp
}

// step trains on some batches, to its end even when ctx ends meanwhile, and does what follows.
func (r *run) step(ctx context.Context, batches []*data.Batch) error {
	result, err := r.trainer.Step(context.WithoutCancel(ctx), batches)
	var bad *NonFinite
	if errors.As(err, &bad) {
		err = r.notFinite(ctx, bad, batches)
	}
	r.at.batches += len(batches)
	if err != nil || bad != nil {
		return err
	}
	result.Epoch = float64(r.at.epoch) + float64((r.at.batches+r.s.Config.Accumulate-1)/r.s.Config.Accumulate)/float64(r.updates)
	if err := r.after(ctx, result); err != nil {
		return err
	}
	r.saveWhenDue()
	return nil
}

// after logs a step and evaluates when it is time.
func (r *run) after(ctx context.Context, step StepResult) error {
	c := &r.s.Config
	r.examples += step.Examples
	w := &r.window
	w.examples += step.Examples
	w.loss += step.Loss
	w.steps++
	p := Progress{StepResult: step, Steps: r.total, Seconds: r.seconds()}
	if elapsed := time.Since(w.began).Seconds(); elapsed > 0 {
		p.PerSecond = float64(w.examples) / elapsed
	}
	p.Logged = step.Step%c.LogEvery == 0 || step.Step == 1 || step.Step == r.total
	r.result.Steps, r.result.LastResult = step.Step, step
	r.watch.Stepped(p)
	m := r.metrics(p)
	if p.Logged {
		r.result.Loss = w.loss / float64(w.steps)
		*w = window{began: time.Now()}
		if c.Digest {
			m.Digest = r.s.Engine.digest()
		}
	}
	if r.s.Val != nil && (step.Step%r.evalEvery == 0 || step.Step == r.total) {
		return r.evaluate(ctx, p, &m)
	}
	if p.Logged {
		return r.dir.Log(m)
	}
	return nil
}

func (r *run) metrics(p Progress) Metrics {
	m := Metrics{Step: p.Step, Epoch: round(p.Epoch), Loss: p.Loss, LR: p.LR, GradNorm: p.GradNorm, Examples: r.examples,
		PerSecond: math.Round(p.PerSecond*10) / 10, OptimizerMS: round(p.Update.Seconds() * 1e3), Seconds: round(p.Seconds)}
	if p.Score.Total > 0 {
		top1, _ := p.Score.Rates()
		m.Top1 = &top1
	}
	return m
}

func round(x float64) float64 { return math.Round(x*1e4) / 1e4 }

// evaluate runs the validation data, logs m with what comes out, and keeps the best weights. When ctx ends meanwhile, m is
// left to be done by the run that goes on from here.
func (r *run) evaluate(ctx context.Context, p Progress, m *Metrics) error {
	began := time.Now()
	r.pending = m
	var e Evaluation
	err := r.trainer.withEvalWeights(func() (err error) {
		e, err = r.s.Evaluate(ctx)
		return err
	})
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return err
	}
	r.pending = nil
	r.window.began = r.window.began.Add(time.Since(began)) // speed is training speed
	r.result.Final = &e
	if finite(e.Loss) {
		m.ValLoss = &e.Loss
	} else {
		r.watch.Warned("the validation loss is not finite")
	}
	if e.Classified {
		m.ValTop1, m.ValTop5 = &e.Top1, &e.Top5
	}
	best := finite(e.Loss) && (r.result.Best == nil || e.better(*r.result.Best))
	if best {
		r.result.Best, r.result.BestStep, r.result.BestPath = &e, p.Step, r.file("best.onnx")
		if err := r.saveBest(); err != nil {
			return err
		}
	}
	r.watch.Evaluated(p, e, best)
	return r.dir.Log(*m)
}
