package plugin

import (
	"fmt"
	"strings"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/registry/plugin/internal/wire"
)

// describe is an entry of the registry as the protocol has it.
func describe(name, version string) (a wire.Answer, err error) {
	e, err := registry.Lookup(name)
	if err != nil {
		return a, err
	}
	opt, _, err := e.New(nil)
	if err != nil {
		return a, err
	}
	if _, ok := opt.(registry.Grouper); ok {
		return a, fmt.Errorf("%s updates several parameters together, which a plugin cannot", name)
	}
	if _, ok := opt.(registry.EvalView); ok {
		return a, fmt.Errorf("%s has evaluation weights of its own, which a plugin cannot", name)
	}
	a = wire.Answer{Name: name, Version: version, Doc: e.Doc, Paper: e.Paper, Formula: e.Formula}
	for i := range e.Hypers {
		h := &e.Hypers[i]
		if h.Kind == registry.Text {
			return a, fmt.Errorf("hyper-parameter %s has a form of its own; number, integer, boolean and choice are possible", h.Name)
		}
		a.Hypers = append(a.Hypers, wire.Hyper{Name: h.Name, Kind: string(h.Kind), Default: wire.Scalar(fmt.Sprint(h.Default)), Doc: h.Doc,
			Unit: h.Unit, Symbol: h.Symbol, Range: h.Range.String(), Search: search(h.Search), Choices: strings.Join(h.Choices, "|"), Official: h.Official,
			Alias: strings.Join(h.Aliases, " ")})
	}
	return a, nil
}

func search(s registry.Search) string {
	if s.Hi == 0 {
		return ""
	}
	scale := "linear"
	if s.Log {
		scale = "log"
	}
	return fmt.Sprintf("%s %v %v", scale, s.Lo, s.Hi)
}
