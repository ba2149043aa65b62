package checkpoint

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Format is the version of State and of the files beside it. Readers take their own version and all before it; keys are
// only ever added.
const Format = 1

// State is what a run needs to go on, besides tensors. A checkpoint lies between two updates, so nothing is left of
// gradients or their accumulation.
type State struct {
	Format int `json:"format"`

	// What the run is made of, to be compared before it goes on.
	Model     string `json:"model_sha256"`
	Data      int    `json:"data_examples"`
	DataSum   string `json:"data_fingerprint,omitempty"`
	Optimizer string `json:"optimizer"`      // with all settings
	ISA       string `json:"isa"`            // instruction set; another one rounds otherwise, as does
	Arch      string `json:"arch,omitempty"` // another architecture
	// Plugin is where the optimizer came from, nil if it is compiled in.
	Plugin *Plugin `json:"plugin,omitempty"`

	// Step counts updates: schedules follow it, and random operators are a function of seed and step.
	Step  int    `json:"step"`
	Seed  uint64 `json:"seed"`
	Steps int    `json:"steps"` // of the whole run, for schedules
	// The order and augmentation of data are a function of seed, epoch and index, so the sampler's position is a pair.
	Epoch   int `json:"epoch"`
	Batches int `json:"batches"` // of the epoch, done

	Updates   []Count  `json:"updates"`  // of every parameter, in order
	Examples  int      `json:"examples"` // seen so far
	Seconds   float64  `json:"seconds"`  // spent so far
	Interval  Interval `json:"interval"`
	NonFinite int      `json:"non_finite"`        // steps skipped or rolled back
	Spoiled   bool     `json:"spoiled,omitempty"` // an incident whose update made weights not finite
	Best      *Score   `json:"best,omitempty"`
	// Pending is the line of metrics of the last step when its evaluation was interrupted and is still to be done.
	Pending json.RawMessage `json:"pending,omitempty"`
}

// Plugin is an optimizer that is a file.
type Plugin struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Digest  string `json:"sha256"`
}

// Count is how many updates a parameter has had.
type Count struct {
	Name string `json:"name"`
	N    int    `json:"n"`
}

// Interval sums up losses since the last line of metrics.
type Interval struct {
	Loss  float64 `json:"loss"`
	Steps int     `json:"steps"`
}

// Score is the best evaluation so far.
type Score struct {
	Step       int     `json:"step"`
	Loss       float64 `json:"loss"`
	Top1       float64 `json:"top1"`
	Top5       float64 `json:"top5"`
	Perplexity float64 `json:"perplexity"`
	Examples   int     `json:"examples"`
	Classified bool    `json:"classified"`
}

func (s State) encode() ([]byte, error) {
	s.Format = Format
	b, err := json.MarshalIndent(s, "", "  ")
	return append(b, '\n'), err
}

func decodeState(b []byte) (State, error) {
	var version struct{ Format int }
	if err := json.Unmarshal(b, &version); err != nil {
		return State{}, err
	}
	if version.Format < 1 || version.Format > Format {
		return State{}, fmt.Errorf("format %d, this program reads 1 to %d; use the version that wrote it", version.Format, Format)
	}
	var s State
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return s, err
	}
	if s.Step < 0 || s.Epoch < 0 || s.Batches < 0 || s.Examples < 0 || s.NonFinite < 0 || !(s.Seconds >= 0) {
		return s, fmt.Errorf("a negative counter")
	}
	return s, nil
}
