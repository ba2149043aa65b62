package compare

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/onnxtrain/onnxtrain/data"
	"github.com/onnxtrain/onnxtrain/internal/names"
	"github.com/onnxtrain/onnxtrain/registry"
)

// Dimension is a hyper-parameter and the interval that random search draws it from.
type Dimension struct {
	Name    string  `json:"name"`
	Lo      float64 `json:"lo"`
	Hi      float64 `json:"hi"`
	Log     bool    `json:"log"` // uniform in the logarithm
	Integer bool    `json:"integer,omitempty"`
	Default float64 `json:"default"` // which may lie outside, unless the interval was given
}

// Drawn is the value of a dimension in one trial.
type Drawn struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
}

// at is the value at a fraction of the way from Lo to Hi, of four significant digits so that what a report shows is
// what was run.
func (d Dimension) at(fraction float64) float64 {
	x := d.Lo + fraction*(d.Hi-d.Lo)
	if d.Log {
		x = d.Lo * math.Pow(d.Hi/d.Lo, fraction)
	}
	if d.Integer {
		return d.clip(math.Round(x))
	}
	x, _ = strconv.ParseFloat(strconv.FormatFloat(x, 'g', 4, 64), 64) // its own output always parses
	return d.clip(x)
}

// where is the inverse of at.
func (d Dimension) where(x float64) float64 {
	if d.Lo == d.Hi {
		return 0
	}
	if d.Log {
		return math.Log(x/d.Lo) / math.Log(d.Hi/d.Lo)
	}
	return (x - d.Lo) / (d.Hi - d.Lo)
}

func (d Dimension) clip(x float64) float64 { return max(d.Lo, min(x, d.Hi)) }

func (d Dimension) String() string {
	scale := "linear"
	if d.Log {
		scale = "log"
	}
	return fmt.Sprintf("%s=%g..%g:%s", d.Name, d.Lo, d.Hi, scale)
}

// override is a --tune flag.
type override struct {
	text      string
	optimizer string // "" is any
	name      string
	lo, hi    float64
	scale     string // log, linear or ""
	used      bool
}

func parseOverride(text string) (*override, error) {
	bad := func(why string) error {
		return usage("--tune %q: %s; it is like lr=1e-4..1e-1 or sgd.momentum=0.5..0.99:linear", text, why)
	}
	name, interval, ok := strings.Cut(text, "=")
	if !ok {
		return nil, bad("there is no =")
	}
	o := &override{text: text, name: strings.TrimSpace(name)}
	if i := strings.LastIndexByte(o.name, '.'); i >= 0 {
		o.optimizer, o.name = o.name[:i], o.name[i+1:]
	}
	interval, o.scale, ok = strings.Cut(interval, ":")
	if ok && o.scale != "log" && o.scale != "linear" {
		return nil, bad(fmt.Sprintf("the scale %q is neither log nor linear", o.scale))
	}
	lo, hi, ok := strings.Cut(interval, "..")
	if !ok {
		return nil, bad("the range has no ..")
	}
	var err, err2 error
	o.lo, err = strconv.ParseFloat(strings.TrimSpace(lo), 64)
	o.hi, err2 = strconv.ParseFloat(strings.TrimSpace(hi), 64)
	switch {
	case err != nil || err2 != nil || math.IsInf(o.lo, 0) || math.IsInf(o.hi, 0) || !(o.lo <= o.hi):
		return nil, bad("the range is not from a number to one that is at least as large")
	case o.scale == "log" && o.lo <= 0:
		return nil, bad("a logarithmic range begins above 0")
	}
	return o, nil
}

// apply puts the override's interval in place of the declared one; the scale stays if it names none.
func (o *override) apply(d *Dimension, declared registry.Search) {
	d.Lo, d.Hi, d.Log = o.lo, o.hi, o.scale == "log"
	if o.scale == "" {
		d.Log = o.lo > 0 && (declared.Log || declared.Hi == 0 && o.hi/o.lo >= 10)
	}
	d.Default = d.clip(d.Default)
}

// newSpace are the dimensions of an optimizer: those that it declares, unless they are fixed, as overridden.
func newSpace(e *registry.Entry, fixed registry.Settings, only []string, overrides []*override) ([]Dimension, error) {
	var space []Dimension
	for i := range e.Hypers {
		h := &e.Hypers[i]
		var o *override
		if i := slices.IndexFunc(overrides, func(o *override) bool { return o.means(e, h) }); i >= 0 {
			o = overrides[i]
			o.used = true
		}
		if o == nil && (h.Search.Hi == 0 || len(only) > 0 && !slices.ContainsFunc(only, func(n string) bool { return e.Hyper(n) == h })) {
			continue
		}
		if _, set := fixed[h.Name]; set {
			if o != nil && o.optimizer != "" {
				return nil, usage("--tune %q: %s of %s is fixed by --opt", o.text, h.Name, e.Name)
			}
			continue
		}
		d, err := newDimension(e, h, o)
		if err != nil {
			return nil, err
		}
		space = append(space, d)
	}
	return space, nil
}

// means says whether an override is of that hyper-parameter.
func (o *override) means(e *registry.Entry, h *registry.Hyper) bool {
	return e.Hyper(o.name) == h && (o.optimizer == "" || o.optimizer == e.Name)
}

func newDimension(e *registry.Entry, h *registry.Hyper, o *override) (d Dimension, err error) {
	d = Dimension{Name: h.Name, Lo: h.Search.Lo, Hi: h.Search.Hi, Log: h.Search.Log, Integer: h.Kind == registry.Integer}
	if h.Kind != registry.Number && h.Kind != registry.Integer {
		return d, usage("--tune: %s of %s is a %s, not a number", h.Name, e.Name, h.Kind)
	}
	if d.Default, err = strconv.ParseFloat(fmt.Sprint(h.Default), 64); err != nil {
		return d, usage("%s of %s has the default %v, which is no number", h.Name, e.Name, h.Default)
	}
	if o != nil {
		o.apply(&d, h.Search)
	}
	for _, end := range []float64{d.Lo, d.Hi} {
		if !h.Range.Contains(end) {
			return d, usage("--tune: %s of %s must lie in %v, not in %g..%g", h.Name, e.Name, h.Range, d.Lo, d.Hi)
		}
		if d.Integer && end != math.Trunc(end) {
			return d, usage("--tune: %s of %s is a whole number, not one of %g..%g", h.Name, e.Name, d.Lo, d.Hi)
		}
	}
	return d, nil
}

// unknownTuned says what --tune or --tune-only names that no optimizer has.
func unknownTuned(entries []*registry.Entry, only []string, overrides []*override) error {
	var all []string
	for _, e := range entries {
		for _, h := range e.Hypers {
			if h.Kind == registry.Number || h.Kind == registry.Integer {
				all = append(all, h.Name)
			}
		}
	}
	unknown := func(flag, text, name string) error {
		msg := fmt.Sprintf("%s %q: none of the optimizers has a number %q", flag, text, name)
		if near := names.Nearest(name, all); near != "" && near != name {
			msg += fmt.Sprintf("; did you mean %q?", near)
		}
		return usage("%s", msg)
	}
	for _, o := range overrides {
		if o.used {
			continue
		}
		if o.optimizer != "" && !slices.ContainsFunc(entries, func(e *registry.Entry) bool { return e.Name == o.optimizer }) {
			return usage("--tune %q: %q is not among the optimizers", o.text, o.optimizer)
		}
		return unknown("--tune", o.text, o.name)
	}
	for _, name := range only {
		if !slices.ContainsFunc(entries, func(e *registry.Entry) bool { return e.Hyper(name) != nil }) {
			return unknown("--tune-only", name, name)
		}
	}
	return nil
}

// draw takes a point of the space, each coordinate a fraction in [0,1) of the stream.
func draw(space []Dimension, r *data.Rand) []Drawn {
	var point []Drawn
	for _, d := range space {
		point = append(point, Drawn{d.Name, d.at(r.Float64())})
	}
	return point
}

// narrow is the part of the space around some points: their hull, wider by an eighth of the space on each side.
func narrow(space []Dimension, points [][]Drawn) []Dimension {
	const margin = 1. / 8
	var out []Dimension
	for i, d := range space {
		lo, hi := 1., 0.
		for _, p := range points {
			lo, hi = min(lo, d.where(p[i].Value)), max(hi, d.where(p[i].Value))
		}
		part := d
		part.Lo, part.Hi = d.at(max(lo-margin, 0)), d.at(min(hi+margin, 1))
		out = append(out, part)
	}
	return out
}
