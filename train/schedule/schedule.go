// Package schedule is the table of learning-rate schedules: factors on the base rate as functions of the step.
package schedule

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/onnxtrain/onnxtrain/internal/names"
)

// Factor is what the base rate is multiplied with at step, from 1, of total.
type Factor func(step, total int) float64

// Kind is a registered schedule. Make reads its options out of o.
type Kind struct {
	Doc     string
	Example string
	Make    func(o Options) (Factor, error)
	// OwnWarmup marks schedules that rise by themselves; --warmup does not go with them.
	OwnWarmup bool
}

var table = names.Table[Kind]{Kind: "schedule"}

// Register adds a schedule from an init function.
func Register(name string, k Kind) { table.Register(name, k) }

// Names lists the schedules.
func Names() []string { return table.Names() }

// Lookup returns a schedule.
func Lookup(name string) (Kind, error) { return table.Lookup(name) }

// Options are the key=value settings that follow a schedule's name.
type Options map[string]string

// Float takes a number out of the options.
func (o Options) Float(key string, absent float64) (float64, error) {
	s, ok := o[key]
	if !ok {
		return absent, nil
	}
	delete(o, key)
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("option %s=%q is not a number", key, s)
	}
	return v, nil
}

// Fraction takes a number between 0 and 1 out of the options.
func (o Options) Fraction(key string, absent float64) (float64, error) {
	v, err := o.Float(key, absent)
	if err == nil && (v < 0 || v > 1) {
		err = fmt.Errorf("option %s=%g is outside of [0,1]", key, v)
	}
	return v, err
}

// Parse reads "cosine" or "step,at=0.5/0.75,gamma=0.1" and a warm-up of "500" steps or "5%" of all.
func Parse(text, warmup string) (Factor, error) {
	name, rest, _ := strings.Cut(text, ",")
	kind, err := table.Lookup(name)
	if err != nil {
		return nil, err
	}
	o := Options{}
	for _, pair := range strings.Split(rest, ",") {
		if pair == "" {
			continue
		}
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, fmt.Errorf("schedule %q: option %q is not key=value", name, pair)
		}
		o[key] = value
	}
	var known []string
	for key := range o {
		known = append(known, key)
	}
	factor, err := kind.Make(o)
	if err != nil {
		return nil, fmt.Errorf("schedule %q: %w", name, err)
	}
	for _, key := range known {
		if _, left := o[key]; left {
			return nil, fmt.Errorf("schedule %q has no option %q; an example: %s", name, key, kind.Example)
		}
	}
	steps, fraction, err := parseWarmup(warmup)
	if err != nil {
		return nil, err
	}
	if steps == 0 && fraction == 0 {
		return factor, nil
	}
	if kind.OwnWarmup {
		return nil, fmt.Errorf("schedule %q warms up by itself; leave --warmup out", name)
	}
	return func(step, total int) float64 {
		warm := max(steps, int(math.Round(fraction*float64(total))))
		if step <= warm {
			return float64(step) / float64(warm)
		}
		return factor(step-warm, max(total-warm, 1))
	}, nil
}

func parseWarmup(s string) (steps int, fraction float64, err error) {
	if s == "" {
		return 0, 0, nil
	}
	if percent, ok := strings.CutSuffix(s, "%"); ok {
		p, err := strconv.ParseFloat(percent, 64)
		if err != nil || !(p >= 0 && p <= 100) {
			return 0, 0, fmt.Errorf("warm-up %q is not a percentage", s)
		}
		return 0, p / 100, nil
	}
	steps, err = strconv.Atoi(s)
	if err != nil || steps < 0 {
		return 0, 0, fmt.Errorf("warm-up %q is neither a number of steps nor a percentage such as 5%%", s)
	}
	return steps, 0, nil
}
