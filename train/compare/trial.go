package compare

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
)

// Stages of a study. The paper's protocol searches twice.
const (
	Search = "search"
	Refine = "refine"
	Final  = "final"
)

// Status says how a trial ended.
type Status string

const (
	Done     Status = "done"
	Stopped  Status = "stopped"  // as hopeless, before its last step
	Diverged Status = "diverged" // a loss, gradient or weight was not finite
)

// Float is a number that JSON writes as null when it is not finite.
type Float float64

// MarshalJSON writes the shortest form that reads as the same number.
func (f Float) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(f)) || math.IsInf(float64(f), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(f))
}

// UnmarshalJSON reads null as NaN.
func (f *Float) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*f = Float(math.NaN())
		return nil
	}
	return json.Unmarshal(b, (*float64)(f))
}

// Trial is one training run of a study and what came out.
type Trial struct {
	Optimizer string  `json:"optimizer"` // as the study names it
	Stage     string  `json:"stage"`
	Index     int     `json:"index"`
	Seed      uint64  `json:"seed"`
	Opt       string  `json:"opt"` // as --opt takes it
	Drawn     []Drawn `json:"drawn,omitempty"`

	Status Status `json:"status"`
	Why    string `json:"why,omitempty"`
	Steps  int    `json:"steps"`

	// Training losses and accuracies, each the mean over the steps since the point before.
	Curve []Point `json:"curve,omitempty"`
	// Scores on the validation data, the last one at the end.
	Scores []Point `json:"scores,omitempty"`
	// Mean training losses before the marks at which hopeless trials end, as far as it got.
	Marks []Float `json:"marks,omitempty"`

	Classified bool `json:"classified,omitempty"` // whether Top1 means something
	Tokens     bool `json:"tokens,omitempty"`     // whether the classes are tokens

	Seconds    float64 `json:"seconds"`   // of forward, backward and update
	StepMS     float64 `json:"step_ms"`   // median of a step
	UpdateMS   float64 `json:"update_ms"` // median of its update
	StateBytes int64   `json:"state_bytes"`

	contender *contender
}

// Point is where a curve is after a step. Seconds are those of forward, backward and update; reading of data and
// evaluation are not counted.
type Point struct {
	Step    int     `json:"step"`
	Seconds float64 `json:"seconds"`
	Loss    Float   `json:"loss"`
	Top1    Float   `json:"top1"`
}

// last is the score at the end, with an infinite loss for a trial that did not get there.
func (t *Trial) last() Point {
	if t.Status != Done || len(t.Scores) == 0 {
		return Point{Loss: Float(math.Inf(1))}
	}
	return t.Scores[len(t.Scores)-1]
}

// better says whether a score beats another by what the study ranks by. What is no number is beaten by everything.
func (p Point) better(than Point, byAccuracy bool) bool {
	if a, b := p.Top1.or(-1), than.Top1.or(-1); byAccuracy && a != b {
		return a > b
	}
	return p.Loss.or(math.Inf(1)) < than.Loss.or(math.Inf(1))
}

func (f Float) or(other float64) float64 {
	if math.IsNaN(float64(f)) {
		return other
	}
	return float64(f)
}

// file is the name of the trial's record.
func (t *Trial) file() string {
	slug := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, t.contender.entry.Name)
	return fmt.Sprintf("%02d-%s-%s-%03d.json", t.contender.index, slug, t.Stage, t.Index)
}

// same says whether a record on disk is of the trial that is to be run.
func (t *Trial) same(as *Trial) bool {
	return t.Optimizer == as.Optimizer && t.Stage == as.Stage && t.Index == as.Index && t.Seed == as.Seed && t.Opt == as.Opt
}
