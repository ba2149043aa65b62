package compare

import (
	"context"
	"errors"
	"math"
	"os"
	"runtime"
	"sync"

	"github.com/onnxtrain/onnxtrain/internal/cpu"
	"github.com/onnxtrain/onnxtrain/train"
)

// Observer follows a study.
type Observer interface {
	// Planned is called once, before the first trial.
	Planned(Plan)
	// Finished is called after every trial, also for those found in the directory; calls do not overlap.
	Finished(t *Trial, old bool)
	Warned(text string)
}

// Plan is what a study knows before its first trial.
type Plan struct {
	Dir       string
	Steps     int   // of a trial
	Trials    int   // in all, at most
	Examples  int   // of training
	Scored    int   // examples that the runs over the seeds are scored on
	Memory    int64 // bytes of the largest trial
	Synthetic bool
}

// ErrStopped is the error of a study whose context ended. Finished trials are kept.
var ErrStopped = errors.New("the comparison was stopped; the same command goes on with it")

// session is a study in progress.
type session struct {
	Study
	store      *store
	watch      Observer
	contenders []*contender
	plan       Plan
	byAccuracy bool
	searches   map[*contender][]*Trial

	mu sync.Mutex // of watch
}

// Run makes the trials of a study that its directory does not hold yet, and the report of all. Errors of the settings
// come before the first step.
func Run(ctx context.Context, study Study, watch Observer) (*Report, error) {
	s := &session{Study: study.withDefaults(), watch: watch}
	if err := s.check(); err != nil {
		return nil, err
	}
	var err error
	if s.contenders, err = newContenders(&s.Study); err != nil {
		return nil, err
	}
	if s.Out == "" {
		if s.Out, err = s.DefaultOut(); err != nil {
			return nil, err
		}
	}
	if c := &s.Train; c.ISA != "" { // for the whole process, which trials side by side could not set
		level, err := cpu.ParseLevel(c.ISA)
		if err != nil {
			return nil, usage("--isa: %w", err)
		}
		defer cpu.Limit(level)()
	}
	if err := s.probe(ctx); err != nil {
		return nil, err
	}
	if s.store, err = openStore(&s.Study); err != nil {
		return nil, err
	}
	defer os.RemoveAll(s.store.path("work"))
	watch.Planned(s.plan)
	best, err := s.search(ctx)
	if err != nil {
		return nil, err
	}
	finals, err := s.finals(ctx, best)
	if err != nil {
		return nil, err
	}
	r, err := s.report(finals)
	if err != nil {
		return nil, err
	}
	return r, r.write(s.store)
}

// config is the configuration of a trial of a contender.
func (s *session) config(of *contender, opt string, seed uint64, jobs int) train.Config {
	c := s.Train
	c.Opt, c.Seed, c.ISA = opt, seed, ""
	if of.dtype != "" {
		c.DType = of.dtype
	}
	c.EvalEvery = math.MaxInt // at the end alone
	if c.Threads == 0 && jobs > 1 {
		c.Threads = max(runtime.GOMAXPROCS(0)/jobs, 1)
	}
	return c
}
