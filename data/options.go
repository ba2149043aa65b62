package data

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/onnxtrain/onnxtrain/internal/names"
)

// Options are the key=value pairs of a SPEC. Each method takes one option out, with a default for when it is absent; a
// value that does not parse is remembered and reported by Err, so that a format reads all its options first and asks
// once.
type Options struct {
	values map[string]string
	keys   []string // in the SPEC's order
	taken  map[string]bool
	err    error

	reported map[string]bool // by err
}

// ParseOptions parses "key=value&key=value"; a key alone means key=1.
func ParseOptions(text string) (*Options, error) {
	o := &Options{values: map[string]string{}, taken: map[string]bool{}, reported: map[string]bool{}}
	for pair := range strings.SplitSeq(text, "&") {
		if pair == "" {
			continue
		}
		key, value, found := strings.Cut(pair, "=")
		if !found {
			value = "1"
		}
		if key == "" {
			return nil, fmt.Errorf("option %q has no name; write key=value", pair)
		}
		if _, twice := o.values[key]; twice {
			return nil, fmt.Errorf("option %q is given twice", key)
		}
		o.values[key] = value
		o.keys = append(o.keys, key)
	}
	return o, nil
}

// Has reports whether the option is given.
func (o *Options) Has(key string) bool {
	_, ok := o.values[key]
	return ok
}

// String takes a text.
func (o *Options) String(key, otherwise string) string {
	if v, ok := o.take(key); ok {
		return v
	}
	return otherwise
}

// Int takes a whole number from low to high.
func (o *Options) Int(key string, otherwise, low, high int) int {
	v, ok := o.take(key)
	if !ok {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		o.wrong(key, v, "a whole number")
		return otherwise
	}
	if n < low || n > high {
		o.wrong(key, v, fmt.Sprintf("a whole number from %d to %d", low, high))
		return otherwise
	}
	return n
}

// Float takes a finite number from low to high.
func (o *Options) Float(key string, otherwise, low, high float64) float64 {
	v, ok := o.take(key)
	if !ok {
		return otherwise
	}
	x, err := parseFloat(v)
	if err != nil || x < low || x > high {
		o.wrong(key, v, fmt.Sprintf("a number from %g to %g", low, high))
		return otherwise
	}
	return x
}

// Floats takes finite numbers separated by commas; nil when absent.
func (o *Options) Floats(key string) []float64 {
	v, ok := o.take(key)
	if !ok {
		return nil
	}
	var out []float64
	for text := range strings.SplitSeq(v, ",") {
		x, err := parseFloat(strings.TrimSpace(text))
		if err != nil {
			o.wrong(key, v, "numbers separated by commas")
			return nil
		}
		out = append(out, x)
	}
	return out
}

// Strings takes texts separated by commas; nil when absent.
func (o *Options) Strings(key string) []string {
	v, ok := o.take(key)
	if !ok || v == "" {
		return nil
	}
	return strings.Split(v, ",")
}

// Bool takes a truth value: 1, 0, true, false, yes, no, on, off, or the key alone for true.
func (o *Options) Bool(key string, otherwise bool) bool {
	v, ok := o.take(key)
	if !ok {
		return otherwise
	}
	switch strings.ToLower(v) {
	case "1", "true", "yes", "on":
		return true
	case "0", "false", "no", "off":
		return false
	}
	o.wrong(key, v, "1 or 0")
	return otherwise
}

// Choice takes one of the given words.
func (o *Options) Choice(key, otherwise string, words ...string) string {
	v, ok := o.take(key)
	if !ok || slices.Contains(words, v) {
		if ok {
			return v
		}
		return otherwise
	}
	o.wrong(key, v, "one of "+strings.Join(words, ", "))
	return otherwise
}

// Err is what was wrong with the values taken so far.
func (o *Options) Err() error { return o.err }

func (o *Options) take(key string) (string, bool) {
	o.taken[key] = true
	v, ok := o.values[key]
	return v, ok
}

func (o *Options) wrong(key, value, want string) {
	if o.reported[key] {
		return
	}
	o.reported[key] = true
	o.err = errors.Join(o.err, fmt.Errorf("option %s=%s: want %s", key, value, want))
}

// unknown reports the keys that a format does not document.
func (o *Options) unknown(scheme string, known []Option) error {
	list := make([]string, len(known))
	for i, k := range known {
		list[i] = k.Name
	}
	for _, key := range o.keys {
		if slices.Contains(list, key) {
			continue
		}
		hint := ""
		if near := names.Nearest(key, list); near != "" {
			hint = fmt.Sprintf("; did you mean %q?", near)
		}
		return fmt.Errorf("unknown option %q%s (%s: takes %s)", key, hint, scheme, strings.Join(list, " "))
	}
	return nil
}

// unused reports options that the format knows but had no use for with this model or path.
func (o *Options) unused() error {
	for _, key := range o.keys {
		if !o.taken[key] {
			return fmt.Errorf("option %q has no effect here; leave it out", key)
		}
	}
	return nil
}

func parseFloat(s string) (float64, error) {
	x, err := strconv.ParseFloat(s, 64)
	if err == nil && (math.IsNaN(x) || math.IsInf(x, 0)) {
		err = strconv.ErrRange
	}
	return x, err
}
