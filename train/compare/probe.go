package compare

import (
	"context"
	"fmt"
	"time"

	"github.com/onnxtrain/onnxtrain/internal/memory"
	"github.com/onnxtrain/onnxtrain/train"
)

// probe opens the model and the data once and lets every optimizer take its place, so that what is wrong with any of
// them is said at once.
func (s *session) probe(ctx context.Context) error {
	first := s.contenders[0]
	c := s.config(first, first.option(nil), s.Train.Seed, 1)
	open, err := train.Open(c, true)
	if err != nil {
		return err
	}
	defer func() { open.Close() }()
	s.plan = Plan{Dir: s.Out, Examples: open.Train.Len(), Scored: open.Val.Len(), Synthetic: open.Synthetic}
	if s.Test != "" {
		c.Val = s.Test
		if s.plan.Scored, err = examples(c); err != nil {
			return err
		}
	}
	for _, notice := range open.Engine.Notices {
		s.watch.Warned(notice)
	}
	for _, c := range s.contenders {
		config := s.config(c, c.option(c.defaults()), s.Train.Seed, 1)
		if config.DType != open.Config.DType {
			other, err := train.Open(config, true)
			if err != nil {
				return err
			}
			open.Close()
			open = other
		}
		open.Config.Opt = config.Opt
		p := &probe{}
		if _, err := train.Run(ctx, open, time.Now(), p, true); err != nil {
			return err
		}
		s.plan.Steps, s.plan.Memory = p.Steps, max(s.plan.Memory, p.Plan)
		s.plan.Trials += s.Seeds
		if n := s.searched(c); n > 1 {
			s.plan.Trials += n
		}
	}
	if need := s.plan.Memory * int64(s.Jobs); s.Jobs > 1 && need > memory.Limit() {
		return failure(train.Resources, fmt.Errorf("--jobs %d: a trial needs %d MiB; %d of them do not fit into the %d MiB there are",
			s.Jobs, s.plan.Memory>>20, s.Jobs, memory.Limit()>>20))
	}
	return nil
}

// examples counts the validation data.
func examples(c train.Config) (int, error) {
	open, err := train.Open(c, false)
	if err != nil {
		return 0, fmt.Errorf("--test: %w", err)
	}
	defer open.Close()
	return open.Val.Len(), nil
}

// searched is the number of trials that find an optimizer's setting.
func (s *session) searched(c *contender) int {
	if len(c.space) == 0 {
		return 1
	}
	return s.Trials
}

// probe keeps what a run knows before its first step.
type probe struct {
	train.Start
	recorder
}

func (p *probe) Started(s train.Start) { p.Start = s }
