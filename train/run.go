package train

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"time"

	"github.com/onnxtrain/onnxtrain/data"
	"github.com/onnxtrain/onnxtrain/onnxload"
)

// Observer follows a run; cmd prints what it is told.
type Observer interface {
	Started(Start)
	Stepped(Progress)
	Evaluated(Progress, Evaluation, bool) // the bool says whether it is the best so far
	Saved(path string)
}

// Start is what a run knows before its first step.
type Start struct {
	Session    *Session
	Dir        string
	Optimizer  string // with its settings
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
	Seconds   float64 // since the start
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
	Seconds    float64
	LastResult StepResult
}

// Run trains as the session's configuration says. When ctx ends, the step at hand is finished, last.onnx is saved and
// the result says Stopped. A dry run ends before anything is written or computed.
func Run(ctx context.Context, s *Session, now time.Time, watch Observer, dry bool) (*Result, error) {
	c := &s.Config
	loader := data.NewLoader(s.Train, data.LoaderOptions{Batch: c.Batch, Seed: c.Seed, Shuffle: !c.NoShuffle, Workers: c.Workers})
	perEpoch := (s.Train.Len() + c.Batch - 1) / c.Batch
	updates := (perEpoch + c.Accumulate - 1) / c.Accumulate
	if c.Epochs == 0 && c.Steps == 0 {
		c.Epochs = 3
	}
	total := c.Steps
	if total == 0 {
		total = c.Epochs * updates
	}
	trainer, err := NewTrainer(s.Engine, c, total)
	if err != nil {
		return nil, err
	}
	p, err := s.Engine.Program(min(c.Batch, s.Train.Len()), true)
	if err != nil {
		return nil, err
	}
	started := Start{Session: s, Optimizer: trainer.opt.Entry.Name + " " + trainer.opt.Hypers.String(), Steps: total,
		PerEpoch: updates, StateBytes: trainer.StateBytes(), Plan: p.Memory().Total() + trainer.StateBytes()}
	if dry {
		watch.Started(started)
		return &Result{}, nil
	}
	dir, err := CreateRunDir(c, trainer.opt.Entry.Name, now)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	started.Dir = dir.Path
	watch.Started(started)
	r := &run{s: s, trainer: trainer, dir: dir, watch: watch, total: total, start: time.Now(),
		result: &Result{Dir: dir.Path, LastPath: filepath.Join(dir.Path, "last.onnx")}}
	r.evalEvery = c.EvalEvery
	if r.evalEvery == 0 {
		r.evalEvery = updates
	}
	if err := r.epochs(ctx, loader, updates); err != nil {
		return nil, err
	}
	return r.result, r.finish(ctx)
}

type run struct {
	s         *Session
	trainer   *Trainer
	dir       *RunDir
	watch     Observer
	total     int
	evalEvery int
	start     time.Time
	examples  int
	window    window
	result    *Result
}

// window measures speed and loss between logged steps.
type window struct {
	began    time.Time
	examples int
	loss     float64
	steps    int
	score    Score
}

// epochs repeats the data until the steps are done or ctx ends.
func (r *run) epochs(ctx context.Context, loader *data.Loader, updates int) error {
	r.window.began = time.Now()
	for epoch := 0; r.trainer.step < r.total; epoch++ {
		it := loader.Epoch(ctx, epoch, 0)
		done, err := r.epoch(ctx, it, epoch, updates)
		it.Close()
		if err != nil || done {
			return err
		}
	}
	return nil
}

func (r *run) epoch(ctx context.Context, it *data.Iterator, epoch, updates int) (done bool, err error) {
	var batches []*data.Batch
	inEpoch := 0
	for r.trainer.step < r.total {
		if ctx.Err() != nil {
			r.result.Stopped = true
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
		// The step runs to its end even when ctx ends meanwhile.
		result, err := r.trainer.Step(context.WithoutCancel(ctx), batches)
		if err != nil {
			return false, err
		}
		for _, b := range batches {
			b.Release()
		}
		batches = batches[:0]
		inEpoch++
		result.Epoch = float64(epoch) + float64(inEpoch)/float64(updates)
		if err := r.after(ctx, result); err != nil {
			return false, err
		}
		if batch == nil {
			return false, nil
		}
	}
	return true, nil
}

// after logs a step and evaluates when it is time.
func (r *run) after(ctx context.Context, step StepResult) error {
	c := &r.s.Config
	r.examples += step.Examples
	w := &r.window
	w.examples += step.Examples
	w.loss += step.Loss
	w.steps++
	w.score.Add(step.Score)
	p := Progress{StepResult: step, Steps: r.total, Seconds: time.Since(r.start).Seconds()}
	if elapsed := time.Since(w.began).Seconds(); elapsed > 0 {
		p.PerSecond = float64(w.examples) / elapsed
	}
	p.Logged = step.Step%c.LogEvery == 0 || step.Step == 1 || step.Step == r.total
	r.result.Steps, r.result.LastResult = step.Step, step
	evaluate := r.s.Val != nil && (step.Step%r.evalEvery == 0 || step.Step == r.total)
	r.watch.Stepped(p)
	m := r.metrics(p)
	if evaluate {
		if err := r.evaluate(ctx, p, &m); err != nil {
			return err
		}
	}
	if p.Logged {
		r.result.Loss = w.loss / float64(w.steps)
		*w = window{began: time.Now()}
	}
	if p.Logged || evaluate {
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

// evaluate runs the validation data, adds what comes out to m, and keeps the best weights.
func (r *run) evaluate(ctx context.Context, p Progress, m *Metrics) error {
	began := time.Now()
	e, err := r.s.Evaluate(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	r.window.began = r.window.began.Add(time.Since(began)) // speed is training speed
	best := r.result.Best == nil || e.better(*r.result.Best)
	r.result.Final = &e
	m.ValLoss = &e.Loss
	if e.Classified {
		m.ValTop1, m.ValTop5 = &e.Top1, &e.Top5
	}
	if best {
		r.result.Best, r.result.BestStep, r.result.BestPath = &e, p.Step, filepath.Join(r.dir.Path, "best.onnx")
		if err := r.save(r.result.BestPath); err != nil {
			return err
		}
	}
	r.watch.Evaluated(p, e, best)
	return nil
}

// finish saves the last weights; without validation they are the best as well.
func (r *run) finish(context.Context) error {
	r.result.Seconds = time.Since(r.start).Seconds()
	if err := r.save(r.result.LastPath); err != nil {
		return err
	}
	r.watch.Saved(r.result.LastPath)
	if r.s.Val == nil {
		r.result.BestPath, r.result.BestStep = filepath.Join(r.dir.Path, "best.onnx"), r.result.Steps
		if err := r.save(r.result.BestPath); err != nil {
			return err
		}
		r.watch.Saved(r.result.BestPath)
	}
	return nil
}

func (r *run) save(path string) error { return r.s.Save(path, true) }

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
