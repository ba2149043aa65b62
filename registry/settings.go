package registry

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/onnxtrain/onnxtrain/internal/names"
)

// Settings are hyper-parameters by name or alias, as flags, YAML or JSON give them: numbers, booleans and text, or
// lists and maps of them, which mean the same as text "a/b" and "key:a;key:b".
type Settings map[string]any

// Hyperparameters are the values that an optimizer was made of, defaults included, in the order of declaration. Their
// JSON is one object, which read as Settings makes the same optimizer.
type Hyperparameters struct {
	Optimizer       string
	LR, WeightDecay float64 // the values to start schedules from
	Values          []Value
}

// Value is one resolved hyper-parameter: a float64, int, bool or string.
type Value struct {
	Name  string
	Value any
}

// Settings returns what makes the same optimizer again.
func (h Hyperparameters) Settings() Settings {
	s := Settings{}
	for _, v := range h.Values {
		s[v.Name] = v.Value
	}
	return s
}

// String is the form that Parse reads.
func (h Hyperparameters) String() string {
	b := strings.Builder{}
	b.WriteString(h.Optimizer)
	for _, v := range h.Values {
		text, _ := textOf(v.Value)
		b.WriteString("," + v.Name + "=" + text)
	}
	return b.String()
}

// MarshalJSON writes the values in order.
func (h Hyperparameters) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, v := range h.Values {
		if i > 0 {
			b.WriteByte(',')
		}
		value, err := json.Marshal(v.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", v.Name, err)
		}
		fmt.Fprintf(&b, "%q:%s", v.Name, value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// Parse reads "ifshampoo,lr=3e-4,interval=2"; a boolean may stand alone. The settings are names resolved but
// values unchecked: New checks them together with what other flags set.
func Parse(text string) (*Entry, Settings, error) {
	name, rest, more := strings.Cut(text, ",")
	e, err := Lookup(strings.TrimSpace(name))
	if err != nil {
		return nil, nil, err
	}
	s := Settings{}
	for more {
		var item string
		item, rest, more = strings.Cut(rest, ",")
		key, value, valued := strings.Cut(item, "=")
		h, negated, err := e.find(strings.TrimSpace(key))
		if err != nil {
			return nil, nil, err
		}
		if _, twice := s[h.Name]; twice {
			return nil, nil, fmt.Errorf("optimizer %s: %s is set twice", e.Name, h.Name)
		}
		if !valued {
			if h.Kind != Boolean {
				return nil, nil, fmt.Errorf("optimizer %s: %s needs a value, as in %s=%v", e.Name, h.Name, h.Name, h.Default)
			}
			value = "true"
		}
		if negated {
			s[h.Name], err = negate(value)
			if err != nil {
				return nil, nil, fmt.Errorf("optimizer %s: %s=%q is not true or false", e.Name, key, value)
			}
			continue
		}
		s[h.Name] = strings.TrimSpace(value)
	}
	return e, s, nil
}

// find looks a hyper-parameter up by name or alias; negated says that the name means the opposite.
func (e *Entry) find(key string) (h *Hyper, negated bool, err error) {
	var all []string
	for i := range e.Hypers {
		h := &e.Hypers[i]
		if h.Name == key || slices.Contains(h.Aliases, key) {
			return h, false, nil
		}
		if slices.Contains(h.Aliases, "!"+key) {
			return h, true, nil
		}
		all = append(all, h.Name)
	}
	msg := fmt.Sprintf("optimizer %s has no hyper-parameter %q", e.Name, key)
	if near := names.Nearest(key, all); near != "" {
		msg += fmt.Sprintf("; did you mean %q?", near)
	}
	return nil, false, fmt.Errorf("%s (there are: %s)", msg, strings.Join(all, " "))
}
