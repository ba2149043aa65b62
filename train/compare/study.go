// Package compare trains one model with several optimizers under equal conditions and reports how they did.
package compare

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/onnxtrain/onnxtrain/train"
)

// Study is what a comparison depends on. Everything that it finds out, times apart, is a function of these fields.
type Study struct {
	// Train is what all trials share: model, data, batch, steps, schedule. Its Seed is that of the search. Opt, LR,
	// WeightDecay, Out and what concerns checkpoints and logs are the study's own business.
	Train train.Config `yaml:"train"`

	Optimizers []string `yaml:"optimizers"`          // NAME[,k=v…] each; what is given is fixed
	Trials     int      `yaml:"trials"`              // of the search, for each optimizer
	Seeds      int      `yaml:"seeds"`               // runs of each optimizer's best setting
	Protocol   string   `yaml:"protocol"`            // see Protocols
	Stop       string   `yaml:"stop"`                // median or none: whether hopeless trials end early
	Tune       []string `yaml:"tune,omitempty"`      // [OPT.]NAME=LO..HI[:log|:linear]
	TuneOnly   []string `yaml:"tune_only,omitempty"` // hyper-parameters to search; all that declare a range if empty
	Rank       string   `yaml:"rank"`                // auto, accuracy or loss: what of the validation decides
	Target     string   `yaml:"target"`              // auto, top1>=X or loss<=X: what the steps to it are counted for
	Test       string   `yaml:"test,omitempty"`      // data that the runs over the seeds are scored on, in place of Train.Val

	Out       string `yaml:"-"`
	Overwrite bool   `yaml:"-"` // start anew in a directory that holds another comparison
	Jobs      int    `yaml:"-"` // trials of the search at a time
}

// Protocols are the ways to search.
var Protocols = []string{"plain", "paper"}

// Defaults of a study.
const (
	DefaultTrials      = 8
	DefaultPaperTrials = 200 // 100 a stage
	DefaultSeeds       = 3
)

// withDefaults fills in what the study leaves open and sets what its trials have in common.
func (s Study) withDefaults() Study {
	set := func(text *string, value string) {
		if *text == "" {
			*text = value
		}
	}
	set(&s.Protocol, Protocols[0])
	set(&s.Stop, "median")
	set(&s.Rank, "auto")
	set(&s.Target, "auto")
	if s.Trials == 0 {
		s.Trials = DefaultTrials
		if s.Protocol == "paper" {
			s.Trials = DefaultPaperTrials
		}
	}
	if s.Seeds == 0 {
		s.Seeds = DefaultSeeds
	}
	s.Jobs = max(s.Jobs, 1)
	c := &s.Train
	if c.Val == "" && c.Data != "" {
		c.Val = "split=0.1"
	}
	if c.Epochs == 0 && c.Steps == 0 {
		c.Epochs = 3
	}
	c.Opt, c.LR, c.WeightDecay, c.Resume = "", nil, nil, ""
	c.Overwrite, c.SaveEvery, c.Keep, c.Digest, c.Time, c.OnNonfinite = false, "never", 1, false, 0, "stop"
	c.LogEvery = 1 << 30
	return s
}

func (s *Study) check() error {
	oneOf := func(flag, value string, all ...string) error {
		for _, a := range all {
			if value == a {
				return nil
			}
		}
		return usage("%s %q: it is one of %s", flag, value, strings.Join(all, ", "))
	}
	for _, err := range []error{
		oneOf("--protocol", s.Protocol, Protocols...),
		oneOf("--stop", s.Stop, "median", "none"),
		oneOf("--rank", s.Rank, "auto", "accuracy", "loss"),
	} {
		if err != nil {
			return err
		}
	}
	switch {
	case s.Train.Model == "":
		return usage("--model: name an ONNX file")
	case len(s.Optimizers) == 0:
		return usage("--opts: name the optimizers to compare, such as sgd,adamw; `onnxtrain optimizers list` shows all")
	case s.Trials < 1:
		return usage("--trials: must be at least 1, the default settings alone")
	case s.Seeds < 1:
		return usage("--seeds: must be at least 1")
	case s.Test != "" && strings.HasPrefix(s.Test, "split="):
		return usage("--test %q: name data of their own; --val holds some of the training data out", s.Test)
	}
	_, err := parseTarget(s.Target)
	return err
}

// fingerprint is the study and what it reads as text: a directory holds the trials of one fingerprint.
func (s *Study) fingerprint() ([]byte, error) {
	shared := *s
	shared.Train.Threads, shared.Train.Workers, shared.Train.MaxMemory, shared.Train.Recompute = 0, 0, "", false // which results do not depend on
	shared.Train.Out = ""
	hash, err := hashFile(shared.Train.Model)
	if err != nil {
		return nil, failure(train.BadModel, err)
	}
	return yaml.Marshal(struct {
		ModelSHA256 string `yaml:"model_sha256"`
		Study       `yaml:",inline"`
	}{hash, shared})
}

// DefaultOut is a directory under runs that is the same whenever the study is.
func (s Study) DefaultOut() (string, error) {
	s = s.withDefaults()
	text, err := s.fingerprint()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	model := strings.TrimSuffix(filepath.Base(s.Train.Model), ".onnx")
	return filepath.Join("runs", fmt.Sprintf("compare_%s_%s", model, hex.EncodeToString(sum[:4]))), nil
}

// difference names the first setting in which two fingerprints differ.
func difference(there, here []byte) string {
	was, is := map[string]any{}, map[string]any{}
	if flatten(there, was) != nil || flatten(here, is) != nil {
		return "its study.yaml cannot be read"
	}
	text := func(v any) any {
		if v == nil {
			return "not given"
		}
		return v
	}
	all := maps.Clone(was)
	maps.Copy(all, is)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !reflect.DeepEqual(was[name], is[name]) {
			return fmt.Sprintf("%s is %v there and %v here", name, text(was[name]), text(is[name]))
		}
	}
	return "only the order of its settings differs"
}

// flatten reads a YAML map of maps into one.
func flatten(text []byte, into map[string]any) error {
	var m map[string]any
	if err := yaml.Unmarshal(text, &m); err != nil {
		return err
	}
	for name, value := range m {
		if inner, ok := value.(map[string]any); ok {
			maps.Copy(into, inner)
		} else {
			into[name] = value
		}
	}
	return nil
}

func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), err
}

func failure(k train.Kind, err error) error { return &train.Failure{Kind: k, Err: err} }

func usage(format string, args ...any) error {
	return failure(train.Usage, fmt.Errorf(format, args...))
}
