package compare

import (
	"context"
	"errors"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/train"
)

// each runs the trials that the directory does not hold, some at a time. After an error no further one begins.
func (s *session) each(ctx context.Context, trials []*Trial, jobs int, limits func(*Trial) []float64) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	queue := make(chan *Trial)
	var wg sync.WaitGroup
	var failed atomic.Pointer[par.Panic]
	for range min(jobs, len(trials)) {
		wg.Go(func() {
			for t := range queue {
				if err := s.guarded(ctx, t, jobs, limits(t), &failed); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, t := range trials {
		select {
		case queue <- t:
		case <-ctx.Done():
		}
	}
	close(queue)
	wg.Wait()
	if p := failed.Load(); p != nil {
		panic(p) // a bug, in the goroutine that may catch it
	}
	if ctx.Err() == nil {
		return nil
	}
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return ErrStopped
}

func (s *session) guarded(ctx context.Context, t *Trial, jobs int, limits []float64, failed *atomic.Pointer[par.Panic]) (err error) {
	defer func() {
		switch v := recover().(type) {
		case nil:
			return
		case *par.Panic:
			failed.Store(v)
		default:
			failed.Store(&par.Panic{Value: v, Stack: debug.Stack()})
		}
		err = errors.New("internal error")
	}()
	return s.one(ctx, t, jobs, limits)
}

// one runs a trial, or takes it from the directory.
func (s *session) one(ctx context.Context, t *Trial, jobs int, limits []float64) error {
	if ctx.Err() != nil {
		return nil
	}
	old, err := s.store.load(t)
	if err == nil && !old {
		if err = s.train(ctx, t, jobs, limits); err == nil {
			err = s.store.save(t)
		}
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch.Finished(t, old)
	return nil
}

// train makes the run of a trial. Its files are gone afterwards.
func (s *session) train(ctx context.Context, t *Trial, jobs int, limits []float64) (err error) {
	c := s.config(t.contender, t.Opt, t.Seed, jobs)
	c.Out = s.store.path("work", t.file())
	if t.Stage == Final {
		if s.Test != "" {
			c.Val = s.Test
		}
		if c.EvalEvery = s.Train.EvalEvery; c.EvalEvery == 0 {
			c.EvalEvery = max(s.plan.Steps/20, 1)
		}
	}
	open, err := train.Open(c, true)
	if err != nil {
		return err
	}
	defer open.Close()
	defer os.RemoveAll(c.Out)
	inner, stop := context.WithCancel(ctx)
	defer stop()
	r := &recorder{trial: t, limits: limits, stop: stop}
	_, err = train.Run(inner, open, time.Now(), r, false)
	r.finish()
	var f *train.Failure
	switch {
	case ctx.Err() != nil:
		return ErrStopped
	case errors.As(err, &f) && f.Kind == train.Diverged:
		t.Status, t.Why = Diverged, err.Error()
	case err != nil:
		return err
	case r.stopped:
		t.Status = Stopped
	default:
		t.Status = Done
	}
	return nil
}
