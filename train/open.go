package train

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/onnxtrain/onnxtrain/data"
	"github.com/onnxtrain/onnxtrain/graph/pass"
	"github.com/onnxtrain/onnxtrain/internal/cpu"
	"github.com/onnxtrain/onnxtrain/internal/memory"
	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/onnxload"
	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// precisions are the types of --dtype.
var precisions = map[string]tensor.DType{"": tensor.Float32, "f32": tensor.Float32, "f64": tensor.Float64, "bf16": tensor.BFloat16Type}

// Precisions are the choices of --dtype.
func Precisions() []string {
	return slices.Sorted(maps.Keys(precisions))[1:] // the first is "", the default
}

// Session is an opened model with its data, ready to train or evaluate.
type Session struct {
	Config    Config
	Model     *onnxload.Model
	Engine    *Engine
	Train     data.Dataset // nil when only evaluating
	Val       data.Dataset // nil without validation data
	Synthetic bool         // no --data was given
	Pool      *par.Pool
	// SaveNow, when set, makes a run save a checkpoint after the step at hand for every value received.
	SaveNow <-chan struct{}

	restoreISA func()
	scoring    *data.Loader     // of Val
	lent       []*tensor.Tensor // of joint
	joint      registry.Joint   // nil: none
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
	if s.joint != nil {
		s.joint.Free(s.lent...)
	}
	if s.restoreISA != nil {
		s.restoreISA()
	}
}

// Open loads the model and the data of c and compiles the first program. With training false only Val is opened, the
// data itself when the configuration names no validation data.
func Open(c Config, training bool) (s *Session, err error) {
	if training && c.Resume != "" {
		if err := c.resume(); err != nil {
			return nil, err
		}
	}
	return open(c, training, nil)
}

// open takes the training data from given instead, when that is not nil.
func open(c Config, training bool, given data.Dataset) (s *Session, err error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if training {
		if err := c.LoadPlugins(); err != nil {
			return nil, err
		}
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
	limit, err := c.memory()
	if err != nil {
		return s, err
	}
	if s.Model, err = onnxload.Open(c.Model, c.Loading(limit)); err != nil {
		if errors.Is(err, onnxload.ErrTooLarge) {
			return s, failf(Resources, "%w; training holds the weights and their gradients, so raise --max-memory or take a machine with more", err)
		}
		return s, fail(BadModel, err)
	}
	var o EngineOptions
	if s.Model, o, err = Form(&c, s.Model); err != nil {
		return s, err
	}
	w, err := Wants(s.Model, o.Loss)
	if err != nil {
		return s, err
	}
	if s.Train = given; given == nil {
		if err := s.openData(w, training); err != nil {
			return s, err
		}
	}
	o.MaxBytes = limit
	source := s.Train
	if !training {
		source = s.Val
	}
	if source.Len() == 0 {
		return s, failf(BadData, "data %q has no examples", c.Data)
	}
	if training {
		if s.joint, err = c.joint(); err != nil {
			return s, err
		}
	}
	if s.joint != nil {
		o.Memory = s.lend
	}
	o.Pool, o.Fields = s.Pool, modelFields(source, w)
	batch := min(c.Batch, source.Len())
	s.Engine, err = NewEngine(s.Model, batch, training, o)
	if errors.Is(err, pass.ErrNoParameter) && len(c.Train)+len(c.Freeze) > 0 {
		return s, failf(Usage, "--train and --freeze leave no parameter to train; `onnxtrain inspect %s` lists their names", c.Model)
	}
	if err != nil {
		return s, err
	}
	if err := s.Engine.checkIndependent(context.Background(), source); err != nil {
		return s, err
	}
	if training {
		if err := s.checkTraining(); err != nil {
			return s, err
		}
	}
	switch {
	case c.Init == "fresh":
		s.Engine.Fresh(c.Seed)
	case training && given == nil:
		err = s.Engine.calibrate(context.Background(), s.Train, batch)
	}
	if err == nil && training && c.InitFrom != "" && c.Resume == "" && given == nil {
		err = s.Engine.initFrom(c.InitFrom)
	}
	if s.joint == nil { // whose memory goes when the session is closed
		s.Model.Adopt(s.Engine.memory)
	}
	debug.FreeOSMemory() // loading and the passes left as much as the run will take
	return s, err
}

// memory is the most that the process may take, in bytes: what the configuration says, and never more than it can have.
func (c *Config) memory() (int64, error) {
	limit, err := parseSize("--max-memory", c.MaxMemory)
	if err != nil || limit == 0 {
		return memory.Limit(), err
	}
	return min(limit, memory.Limit()), nil
}

// Loading is how the model is opened by a process that may take limit bytes. Training holds at least a model's weights and
// their gradients.
func (c *Config) Loading(limit int64) onnxload.Options {
	return onnxload.Options{Merged: c.Tie, Roots: c.ExternalRoot, HardLinks: c.AllowHardlinks, MaxFile: limit / 2, MaxTensors: limit / 2}
}

// lend gives a parameter memory that the optimizer, which is a program of its own, sees too. Without it its values are copied
// for every step.
func (s *Session) lend(dt tensor.DType, shape tensor.Shape) *tensor.Tensor {
	t, err := s.joint.Alloc(dt, shape)
	if err != nil {
		return nil
	}
	s.lent = append(s.lent, t)
	return t
}

// openData opens the training data, if asked for, and the validation data.
func (s *Session) openData(w data.Want, training bool) error {
	c := &s.Config
	arrays, err := parseArrayNames(c.Inputs)
	if err != nil {
		return err
	}
	if w, err = arrays.rename(w); err != nil {
		return err
	}
	spec := c.Data
	if s.Synthetic = spec == ""; s.Synthetic {
		spec = "synthetic:"
	}
	if c.Schedule == "" {
		c.Schedule = "constant"
		if s.Synthetic {
			c.Schedule = "cosine" // a demonstration should end calmly with every optimizer
		}
	}
	open := func(spec string, train bool) (data.Dataset, error) {
		d, err := data.Open(spec, w, train, c.Seed)
		return d, fail(BadData, err)
	}
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
