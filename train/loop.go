package train

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/onnxtrain/onnxtrain/data"
	"github.com/onnxtrain/onnxtrain/registry"
)

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
	var plugin *registry.PluginError
	if errors.As(err, &plugin) {
		return r.pluginFailed(err)
	}
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
	return r.saveWhenDue()
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
		return r.log(m)
	}
	return nil
}

// log goes on when the disk is full: the line is written when there is room again.
func (r *run) log(m Metrics) error {
	err := r.dir.Log(m)
	if full(err) && !r.diskFull {
		r.watch.Warned(err.Error())
	}
	if r.diskFull = full(err); r.diskFull {
		return nil
	}
	return err
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
		if best, err = r.keepBest(&e, p.Step); err != nil {
			return err
		}
	}
	r.watch.Evaluated(p, e, best)
	return r.log(*m)
}

// keepBest makes an evaluation the best so far. kept is false when the disk has no room for its weights.
func (r *run) keepBest(e *Evaluation, step int) (kept bool, err error) {
	before := *r.result
	r.result.Best, r.result.BestStep, r.result.BestPath = e, step, r.file("best.onnx")
	if err = r.saveBest(); full(err) {
		*r.result = before
		r.watch.Warned(err.Error() + "; the best weights of before stay")
		return false, nil
	}
	return err == nil, err
}
