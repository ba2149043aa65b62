package registry

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/onnxtrain/onnxtrain/internal/names"
)

// resolve writes s over the defaults in config.
func (e *Entry) resolve(config any, s Settings) (Hyperparameters, error) {
	out := Hyperparameters{Optimizer: e.Name}
	v := reflect.ValueOf(config).Elem()
	keys := make([]string, 0, len(s))
	for key := range s {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	setBy := map[*Hyper]string{}
	for _, key := range keys {
		h, negated, err := e.find(key)
		if err != nil {
			return out, err
		}
		if other, twice := setBy[h]; twice {
			return out, fmt.Errorf("optimizer %s: %s and %s set the same hyper-parameter", e.Name, other, key)
		}
		setBy[h] = key
		text, err := textOf(s[key])
		if err == nil && negated {
			text, err = negate(text)
		}
		if err == nil {
			err = h.assign(v.FieldByIndex(h.index), text)
		}
		if err != nil {
			return out, fmt.Errorf("optimizer %s: %s=%v %w", e.Name, key, s[key], err)
		}
	}
	for i := range e.Hypers {
		h := &e.Hypers[i]
		field := v.FieldByIndex(h.index)
		if err := h.check(field); err != nil {
			return out, fmt.Errorf("optimizer %s: %s=%v %w", e.Name, h.Name, current(field), err)
		}
		out.Values = append(out.Values, Value{h.Name, current(field)})
		switch h.Name {
		case "lr":
			out.LR = field.Float()
		case "weight_decay":
			out.WeightDecay = field.Float()
		}
	}
	return out, nil
}

// assign parses text into the field. Its errors continue a sentence that begins with the value.
func (h *Hyper) assign(field reflect.Value, text string) error {
	switch h.Kind {
	case Number:
		x, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return fmt.Errorf("is not a number")
		}
		field.SetFloat(x)
	case Integer:
		// JSON and search write whole numbers as floats, such as 1e3.
		x, err := strconv.ParseFloat(text, 64)
		if err != nil || x != float64(int(x)) {
			return fmt.Errorf("is not a whole number")
		}
		field.SetInt(int64(x))
	case Boolean:
		x, err := strconv.ParseBool(strings.ToLower(text))
		if err != nil {
			return fmt.Errorf("is not true or false")
		}
		field.SetBool(x)
	case Choice:
		field.SetString(strings.ToLower(text))
	case Text:
		if err := field.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text)); err != nil {
			return err
		}
	}
	return nil
}

func (h *Hyper) check(field reflect.Value) error {
	switch h.Kind {
	case Number:
		if !h.Range.Contains(field.Float()) {
			return fmt.Errorf("is outside %v", h.bounds())
		}
	case Integer:
		if !h.Range.Contains(float64(field.Int())) {
			return fmt.Errorf("is outside %v", h.bounds())
		}
	case Choice:
		if s := field.String(); !slices.Contains(h.Choices, s) {
			msg := "is none of " + strings.Join(h.Choices, " ")
			if near := names.Nearest(s, h.Choices); near != "" {
				msg += fmt.Sprintf("; did you mean %q?", near)
			}
			return fmt.Errorf("%s", msg)
		}
	}
	return nil
}

func (h *Hyper) bounds() string {
	if s := h.Range.String(); s != "" {
		return s
	}
	return "the finite numbers"
}

// current is a field's value as Value holds it.
func current(v reflect.Value) any {
	if m, ok := v.Interface().(encoding.TextMarshaler); ok {
		text, err := m.MarshalText()
		if err != nil {
			return err.Error()
		}
		return string(text)
	}
	switch v.Kind() {
	case reflect.Float64:
		return v.Float()
	case reflect.Int:
		return int(v.Int())
	case reflect.Bool:
		return v.Bool()
	}
	return v.String()
}

func negate(text string) (string, error) {
	b, err := strconv.ParseBool(strings.ToLower(text))
	if err != nil {
		return "", fmt.Errorf("is not true or false")
	}
	return strconv.FormatBool(!b), nil
}

func format(x float64) string { return strings.TrimPrefix(strconv.FormatFloat(x, 'g', -1, 64), "+") }

// textOf writes a value as a flag would have it.
func textOf(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v), nil
	case json.Number:
		return v.String(), nil
	case encoding.TextMarshaler:
		b, err := v.MarshalText()
		return string(b), err
	}
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Float32, reflect.Float64:
		return format(r.Float()), nil
	case reflect.Bool, reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint32, reflect.Uint64:
		return fmt.Sprint(v), nil
	case reflect.Slice:
		parts := make([]string, r.Len())
		for i := range parts {
			var err error
			if parts[i], err = textOf(r.Index(i).Interface()); err != nil {
				return "", err
			}
		}
		return strings.Join(parts, "/"), nil
	case reflect.Map:
		parts := make([]string, 0, r.Len())
		for _, key := range r.MapKeys() {
			value, err := textOf(r.MapIndex(key).Interface())
			if err != nil {
				return "", err
			}
			parts = append(parts, fmt.Sprintf("%v:%s", key.Interface(), value))
		}
		sort.Strings(parts)
		return strings.Join(parts, ";"), nil
	}
	return "", fmt.Errorf("is of type %T, which is no setting", v)
}
