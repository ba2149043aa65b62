package train

import (
	"path"
	"slices"
	"strings"

	"github.com/onnxtrain/onnxtrain/onnxload"
	"github.com/onnxtrain/onnxtrain/registry"
)

// Form is what a configuration says about the form of a model: the model, its head replaced when asked to, and the options
// of its engine but for pool, fields and memory.
func Form(c *Config, m *onnxload.Model) (*onnxload.Model, EngineOptions, error) {
	o := EngineOptions{DType: precisions[c.DType], Tie: c.Tie, BatchNorm: c.BN, UnfoldBatchNorm: c.UnfoldBN, Recompute: c.Recompute, AllowUnused: c.AllowUnused}
	var err error
	if o.Loss, err = ParseLoss(c.Loss, c.Output, c.LabelSmoothing); err != nil {
		return m, o, err
	}
	if o.Freeze, err = globs(c.Freeze); err != nil {
		return m, o, err
	}
	if o.Train, err = globs(c.Train); err != nil {
		return m, o, err
	}
	classes, err := parseHead(c.ReplaceHead)
	if err == nil && classes > 0 {
		m, err = ReplaceHead(m, o.Loss, classes, c.Seed)
	}
	return m, o, err
}

// checkTraining finds out before the first step what would make the run useless.
func (s *Session) checkTraining() error {
	c := &s.Config
	if err := s.Model.CheckWeights(s.Engine.stored()); err != nil {
		return fail(BadModel, err)
	}
	for _, pattern := range c.Freeze {
		if !s.matchesInitializer(pattern) {
			return failf(Usage, "--freeze %q matches no parameter; `onnxtrain inspect %s` lists their names", pattern, c.Model)
		}
	}
	for _, pattern := range c.Train {
		if !s.matchesParameter(pattern) {
			return failf(Usage, "--train %q matches no parameter that is trained; `onnxtrain inspect %s` lists their names", pattern, c.Model)
		}
	}
	return nil
}

// globs makes a predicate of patterns; nil for none.
func globs(patterns []string) (func(string) bool, error) {
	if len(patterns) == 0 {
		return nil, nil
	}
	for _, p := range patterns {
		if _, err := path.Match(p, ""); err != nil {
			return nil, failf(Usage, "pattern %q: %v", p, err)
		}
	}
	return func(name string) bool {
		for _, p := range patterns {
			// Names of exported parameters are dotted paths; a slash in one must not stop the star.
			if ok, _ := path.Match(p, strings.ReplaceAll(name, "/", "\x00")); ok {
				return true
			}
		}
		return false
	}, nil
}

func (s *Session) matchesInitializer(pattern string) bool {
	match, err := globs([]string{pattern})
	if err != nil {
		return false
	}
	for _, v := range s.Engine.first.Graph.Values {
		if v.Init != nil && match(v.Name) {
			return true
		}
	}
	return false
}

func (s *Session) matchesParameter(pattern string) bool {
	match, err := globs([]string{pattern})
	return err == nil && slices.ContainsFunc(s.Engine.Params, func(p registry.ParamInfo) bool { return match(p.Name) })
}
