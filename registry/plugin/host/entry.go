package host

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/registry/plugin/internal/wire"
	"github.com/onnxtrain/onnxtrain/tensor"
)

const (
	maxText = 4096 // bytes of a description
	maxList = 64   // hyper-parameters, slots
	maxRank = 16
)

var (
	programName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)
	identifier  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)
)

// clean makes text of a plugin fit to print: it has no control characters and bounded length.
func clean(s string, most int) string {
	s = strings.ToValidUTF8(s[:min(len(s), most)], "")
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
}

// entry makes an optimizer of the registry of a program. name is what it goes by, "" for what it calls itself.
func (p *program) entry(name string) (*registry.Entry, error) {
	a := &p.about
	if !programName.MatchString(a.Name) {
		return nil, p.fail(fmt.Errorf("it calls itself %.80q; a name is letters, digits, - and _", a.Name))
	}
	fields, err := fieldsOf(a)
	if err != nil {
		return nil, p.fail(err)
	}
	version := clean(a.Version, maxText)
	info := registry.Info{
		Name:    cmp.Or(name, a.Name),
		Doc:     cmp.Or(line(a.Doc), strings.TrimSpace("the optimizer "+a.Name+" "+version)),
		Paper:   cmp.Or(line(a.Paper), p.path),
		Formula: cmp.Or(clean(a.Formula, maxText), "the program "+p.path),
	}
	e, err := registry.NewEntry(info, p.path, fields, p.build)
	if err != nil {
		return nil, p.fail(err)
	}
	e.Version, e.Digest = version, p.digest
	return e, nil
}

func line(s string) string { return strings.Join(strings.Fields(clean(s, maxText)), " ") }

// fieldsOf are the hyper-parameters. A program without weight decay takes none.
func fieldsOf(a *wire.Answer) ([]registry.Field, error) {
	if len(a.Hypers) > maxList {
		return nil, fmt.Errorf("it declares %d hyper-parameters; %d are the most", len(a.Hypers), maxList)
	}
	var all []registry.Field
	decays := false
	for _, h := range a.Hypers {
		if !identifier.MatchString(h.Name) {
			return nil, fmt.Errorf("it declares a hyper-parameter %.80q; a name is letters, digits and _", h.Name)
		}
		decays = decays || h.Name == "weight_decay"
		tags := map[string]string{"name": h.Name, "doc": cmp.Or(line(h.Doc), "no description")}
		for key, text := range map[string]string{"unit": h.Unit, "symbol": h.Symbol, "range": h.Range, "search": h.Search, "choices": h.Choices,
			"official": h.Official, "alias": h.Alias} {
			tags[key] = line(text)
		}
		all = append(all, registry.Field{Kind: registry.Kind(cmp.Or(h.Kind, string(registry.Number))), Default: string(h.Default), Tags: tags})
	}
	if !decays {
		all = append(all, registry.Field{Kind: registry.Number, Default: "0",
			Tags: map[string]string{"name": "weight_decay", "range": "[0,0]", "doc": "not part of this optimizer"}})
	}
	return all, nil
}

// checkSlots checks what a program declares for a parameter.
func checkSlots(list []wire.Slot) error {
	if len(list) > maxList {
		return fmt.Errorf("it declares %d slots; %d are the most", len(list), maxList)
	}
	taken := map[string]bool{}
	for _, s := range list {
		if !identifier.MatchString(s.Name) || taken[s.Name] {
			return fmt.Errorf("it declares a slot %.80q; names are letters, digits and _, and no two are equal", s.Name)
		}
		taken[s.Name] = true
		dt := wire.DType(s.DType)
		if dt == tensor.Invalid {
			return fmt.Errorf("slot %q is of type %.40q", s.Name, s.DType)
		}
		if len(s.Shape) > maxRank {
			return fmt.Errorf("slot %q has %d dimensions; %d are the most", s.Name, len(s.Shape), maxRank)
		}
		if err := s.Shape.Check(dt); err != nil {
			return fmt.Errorf("slot %q: %w", s.Name, err)
		}
		x, err := strconv.ParseFloat(cmp.Or(string(s.Init), "0"), 64)
		if s.Init == "identity" && len(s.Shape) == 2 {
			continue
		}
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Errorf("slot %q of shape %v begins as %.40q; it is a finite number, or identity for a matrix", s.Name, s.Shape, s.Init)
		}
	}
	return nil
}

// initial is what a slot holds before the first update.
func initial(init wire.Scalar) func(*tensor.Tensor) {
	switch init {
	case "", "0":
		return nil
	case "identity":
		return func(t *tensor.Tensor) {
			all := make([]float64, t.Elems())
			for i := range min(t.Shape[0], t.Shape[1]) {
				all[i*t.Shape[1]+i] = 1
			}
			t.SetFloat64s(all)
		}
	}
	x, _ := strconv.ParseFloat(string(init), 64) // checkSlots has seen that it is one
	return func(t *tensor.Tensor) {
		all := make([]float64, t.Elems())
		for i := range all {
			all[i] = x
		}
		t.SetFloat64s(all)
	}
}
