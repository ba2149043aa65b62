package compare

import (
	"context"
	"slices"
)

// search finds the best setting of every optimizer: the point of the trial that did best, nil when all failed.
func (s *session) search(ctx context.Context) (best map[*contender]*Trial, err error) {
	best = map[*contender]*Trial{}
	all := map[*contender][]*Trial{}
	s.searches = all
	for _, stage := range s.stages() {
		for _, wave := range waves(stage.trials) {
			if err := s.wave(ctx, stage, wave, all); err != nil {
				return nil, err
			}
		}
	}
	for _, c := range s.contenders {
		best[c] = s.bestOf(all[c])
	}
	return best, nil
}

// stage is a part of the search.
type stage struct {
	name   string
	trials int
	own    bool // whether the first trial takes the optimizer's own settings
}

// stages of the protocol. The paper's is a random search in two stages (Choi et al., "On Empirical Comparisons of
// Optimizers for Deep Learning", 2019): the second half of the trials is drawn around the best of the first half.
func (s *session) stages() []stage {
	if s.Protocol == "paper" && s.Trials > 1 {
		return []stage{{Search, (s.Trials + 1) / 2, false}, {Refine, s.Trials / 2, false}}
	}
	return []stage{{Search, s.Trials, true}}
}

// wave runs some trials of a stage for all optimizers.
func (s *session) wave(ctx context.Context, st stage, wave [2]int, all map[*contender][]*Trial) error {
	var trials []*Trial
	limits := map[*contender][]float64{}
	for _, c := range s.contenders {
		if s.searched(c) == 1 {
			if len(all[c]) == 0 { // the only setting, which needs no trial
				point := c.defaults()
				all[c] = []*Trial{{Optimizer: c.label, Opt: c.option(point), Drawn: point, Status: Done, contender: c}}
			}
			continue
		}
		if s.Stop == "median" && len(all[c]) > 0 {
			limits[c] = medians(all[c], len(marks(s.plan.Steps)))
		}
		space := c.space
		if st.name == Refine {
			space = s.refined(c, all[c])
		}
		for i := wave[0]; i < wave[1]; i++ {
			t := &Trial{Optimizer: c.label, Stage: st.name, Index: i, Seed: s.Train.Seed, contender: c}
			if i == 0 && st.own {
				t.Drawn = c.defaults()
			} else {
				var err error
				if t.Drawn, err = c.sample(space, c.stream(s.Train.Seed, st.name, i)); err != nil {
					return err
				}
			}
			t.Opt = c.option(t.Drawn)
			trials = append(trials, t)
		}
	}
	// One trial of each optimizer after the other, so that an early look at a study is a fair one.
	slices.SortStableFunc(trials, func(a, b *Trial) int { return a.Index - b.Index })
	if err := s.each(ctx, trials, s.Jobs, func(t *Trial) []float64 { return limits[t.contender] }); err != nil {
		return err
	}
	for _, t := range trials {
		all[t.contender] = append(all[t.contender], t)
		if t.Status == Done {
			s.byAccuracy = s.Rank == "accuracy" || s.Rank == "auto" && t.Classified && !t.Tokens
		}
	}
	return nil
}

// refined is the space around the best quarter of the first stage, of three trials at least.
func (s *session) refined(c *contender, all []*Trial) []Dimension {
	first := slices.DeleteFunc(slices.Clone(all), func(t *Trial) bool { return t.Stage != Search || t.Status != Done })
	s.sort(first)
	var points [][]Drawn
	for _, t := range first[:min(max(len(first)/4, 3), len(first))] {
		points = append(points, t.Drawn)
	}
	if len(points) == 0 {
		return c.space
	}
	return narrow(c.space, points)
}

// sort puts the best trials first; earlier ones win ties.
func (s *session) sort(trials []*Trial) {
	slices.SortStableFunc(trials, func(a, b *Trial) int {
		switch x, y := a.last(), b.last(); {
		case x.better(y, s.byAccuracy):
			return -1
		case y.better(x, s.byAccuracy):
			return 1
		}
		return 0
	})
}

func (s *session) bestOf(trials []*Trial) *Trial {
	done := slices.DeleteFunc(slices.Clone(trials), func(t *Trial) bool { return t.Status != Done })
	if len(done) == 0 {
		return nil
	}
	s.sort(done)
	return done[0]
}

// finals runs the best settings over the seeds, which the search did not use. They run one at a time, so that their times
// can be compared, and the optimizers take turns, so that what else the machine does hits all of them.
func (s *session) finals(ctx context.Context, best map[*contender]*Trial) (map[*contender][]*Trial, error) {
	var trials []*Trial
	for k := range s.Seeds {
		for _, c := range s.contenders {
			if b := best[c]; b != nil {
				trials = append(trials, &Trial{Optimizer: c.label, Stage: Final, Index: k, Seed: s.Train.Seed + 1 + uint64(k),
					Opt: b.Opt, Drawn: b.Drawn, contender: c})
			}
		}
	}
	if err := s.each(ctx, trials, 1, func(*Trial) []float64 { return nil }); err != nil {
		return nil, err
	}
	out := map[*contender][]*Trial{}
	for _, t := range trials {
		out[t.contender] = append(out[t.contender], t)
		if t.Status == Done { // also where there was no search
			s.byAccuracy = s.Rank == "accuracy" || s.Rank == "auto" && t.Classified && !t.Tokens
		}
	}
	return out, nil
}
