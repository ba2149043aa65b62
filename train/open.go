package train

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/onnxtrain/onnxtrain/data"
	"github.com/onnxtrain/onnxtrain/graph/pass"
	"github.com/onnxtrain/onnxtrain/internal/cpu"
	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/onnxload"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// precisions are the choices of --dtype.
var precisions = map[string]tensor.DType{"": tensor.Float32, "f32": tensor.Float32, "f64": tensor.Float64}

// Session is an opened model with its data, ready to train or evaluate.
type Session struct {
	Config    Config
	Model     *onnxload.Model
	Engine    *Engine
	Train     data.Dataset // nil when only evaluating
	Val       data.Dataset // nil without validation data
	Synthetic bool         // no --data was given
	Pool      *par.Pool

	restoreISA func()
}

// Close frees everything.
func (s *Session) Close() {
	if s.Engine != nil {
		s.Engine.Close()
	}
	for _, d := range []data.Dataset{s.Train, s.Val} {
		if d != nil {
			d.Close()
		}
	}
	s.Pool.Close()
	if s.restoreISA != nil {
		s.restoreISA()
	}
}

// Open loads the model and the data of c and compiles the first program. With training false only Val is opened, the
// data itself when the configuration names no validation data.
func Open(c Config, training bool) (s *Session, err error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	s = &Session{Config: c}
	defer func() {
		if err != nil {
			s.Close()
			s = nil
		}
	}()
	if c.ISA != "" {
		level, err := cpu.ParseLevel(c.ISA)
		if err != nil {
			return s, fail(Usage, fmt.Errorf("--isa: %w", err))
		}
		s.restoreISA = cpu.Limit(level)
	}
	s.Pool = par.New(c.Threads)
	if s.Model, err = onnxload.Open(c.Model, onnxload.Options{}); err != nil {
		return s, fail(BadModel, err)
	}
	loss := pass.Loss{Kind: c.Loss, Output: c.Output, Smoothing: c.LabelSmoothing}
	w, err := Wants(s.Model, loss)
	if err != nil {
		return s, err
	}
	if err := s.openData(w, training); err != nil {
		return s, err
	}
	limit, err := parseSize(c.MaxMemory)
	if err != nil {
		return s, err
	}
	freeze, err := globs(c.Freeze)
	if err != nil {
		return s, err
	}
	source, batch := s.Train, c.Batch
	if !training {
		source = s.Val
	}
	if source.Len() == 0 {
		return s, failf(BadData, "data %q has no examples", c.Data)
	}
	s.Engine, err = NewEngine(s.Model, min(batch, source.Len()), training, EngineOptions{
		Pool: s.Pool, Fields: source.Fields(), Loss: loss, DType: precisions[c.DType], Tie: c.Tie, Freeze: freeze, MaxBytes: limit})
	if err != nil {
		return s, err
	}
	if training {
		if err := s.Model.CheckWeights(s.Engine.trained()); err != nil {
			return s, fail(BadModel, err)
		}
	}
	for _, pattern := range c.Freeze {
		if training && !s.matchesInitializer(pattern) {
			return s, failf(Usage, "--freeze %q matches no parameter; `onnxtrain inspect %s` lists their names", pattern, c.Model)
		}
	}
	if c.Init == "fresh" {
		s.Engine.Fresh(c.Seed)
	}
	return s, nil
}

// openData opens the training data, if asked for, and the validation data.
func (s *Session) openData(w data.Want, training bool) error {
	c := &s.Config
	spec := c.Data
	if s.Synthetic = spec == ""; s.Synthetic {
		spec = "synthetic:"
	}
	open := func(spec string, train bool) (data.Dataset, error) {
		d, err := data.Open(spec, w, train, c.Seed)
		return d, fail(BadData, err)
	}
	var err error
	if training {
		if s.Train, err = open(spec, true); err != nil {
			return err
		}
	}
	switch fraction, split := strings.CutPrefix(c.Val, "split="); {
	case split:
		f, err := strconv.ParseFloat(fraction, 64)
		if err != nil || !(f > 0 && f < 1) {
			return failf(Usage, "--val %q: the fraction must lie between 0 and 1", c.Val)
		}
		// The held-out part is read without augmentation, so it comes from a second opening.
		plain, err := open(spec, false)
		if err != nil {
			return err
		}
		if training {
			s.Train, _ = data.Split(s.Train, f, c.Seed)
		}
		_, s.Val = data.Split(plain, f, c.Seed)
		return nil
	case c.Val != "":
		s.Val, err = open(c.Val, false)
	case s.Synthetic:
		s.Val, err = open("synthetic:?split=val", false)
	case !training:
		s.Val, err = open(spec, false)
	}
	return err
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
