package conform

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"

	"github.com/onnxtrain/onnxtrain/registry"
)

// describes checks that a reader of `optimizers describe` learns what there is to know.
func describes(e *registry.Entry) error {
	if e.Doc == "" || e.Paper == "" || e.Formula == "" {
		return fmt.Errorf("doc, paper or formula is missing")
	}
	var text strings.Builder
	if err := registry.Describe(&text, e.Name); err != nil {
		return err
	}
	if _, err := json.Marshal(e); err != nil {
		return err
	}
	for _, h := range e.Hypers {
		if h.Doc == "" {
			return fmt.Errorf("hyper-parameter %s has no doc", h.Name)
		}
		if !strings.Contains(text.String(), h.Name) || !strings.Contains(text.String(), h.Doc) {
			return fmt.Errorf("hyper-parameter %s is not described", h.Name)
		}
		if s := h.Search; s.Hi != 0 && (!h.Range.Contains(s.Lo) || !h.Range.Contains(s.Hi) || s.Log && s.Lo <= 0) {
			return fmt.Errorf("hyper-parameter %s: random search over %v leaves %v", h.Name, s, h.Range)
		}
	}
	return nil
}

// rejects checks that what a setting may not be is an error that names the setting.
func rejects(e *registry.Entry) error {
	if _, _, err := e.New(registry.Settings{"no_such_setting": 1}); err == nil {
		return fmt.Errorf("an unknown setting is accepted")
	}
	for _, h := range e.Hypers {
		for _, v := range wrong(h) {
			_, _, err := e.New(registry.Settings{h.Name: v})
			if err == nil {
				return fmt.Errorf("%s=%v is accepted", h.Name, v)
			}
			if !strings.Contains(err.Error(), h.Name) {
				return fmt.Errorf("the error for %s=%v does not name the setting: %v", h.Name, v, err)
			}
		}
	}
	return nil
}

// wrong are values that a setting cannot take.
func wrong(h registry.Hyper) []any {
	all := []any{"", "no such value", struct{}{}, nil}
	if h.Kind == registry.Number || h.Kind == registry.Integer {
		all = append(all, true, math.NaN(), math.Inf(1))
		for _, x := range []float64{h.Range.Lo, h.Range.Hi, h.Range.Lo - 1, h.Range.Hi + 1} {
			if !h.Range.Contains(x) {
				all = append(all, x)
			}
		}
	}
	if h.Kind == registry.Integer {
		all = append(all, 1.5)
	}
	return all
}

// roundTrips checks that a run's settings, printed or as JSON, make the same optimizer.
func roundTrips(e *registry.Entry) error {
	_, want, err := e.New(nil)
	if err != nil {
		return err
	}
	data, err := json.Marshal(want)
	if err != nil {
		return err
	}
	var settings registry.Settings
	if err := json.Unmarshal(data, &settings); err != nil {
		return err
	}
	_, parsed, err := registry.Parse(want.String())
	if err != nil {
		return err
	}
	for _, s := range []registry.Settings{settings, parsed, want.Settings()} {
		_, got, err := e.New(s)
		if err != nil {
			return err
		}
		if !reflect.DeepEqual(got, want) {
			return fmt.Errorf("%v became %v", want, got)
		}
	}
	return nil
}
