package registry

import (
	"fmt"
	"path"
	"runtime"
	"strings"

	"github.com/onnxtrain/onnxtrain/internal/names"
)

// Info is what an optimizer says about itself.
type Info struct {
	Name    string // as in --opt NAME
	Doc     string // one line
	Paper   string // where it comes from: a URL or a citation
	Formula string // the update as text, one assignment a line
}

// Entry is a registered optimizer.
type Entry struct {
	Info
	Hypers []Hyper // in the order of declaration
	// Origin is where an optimizer that is not compiled in was found, such as a path.
	Origin string `json:",omitempty"`
	// Version is what such an optimizer says its version is, Digest the SHA-256 of its file in hexadecimal digits.
	Version string `json:",omitempty"`
	Digest  string `json:",omitempty"`
	// Package is the import path of the package that registered one that is compiled in.
	Package string `json:",omitempty"`

	build func(Settings) (Optimizer, Hyperparameters, error)
}

var table = names.Table[*Entry]{Kind: "optimizer"}

// Register adds an optimizer. C is a struct whose exported fields are the hyper-parameters, one a field: float64,
// int, bool, string, or a type with UnmarshalText on its pointer and MarshalText. Tags describe a field:
//
//	name     as in --opt NAME,name=value
//	doc      one line
//	unit     what the number counts
//	symbol   its letter in the paper
//	range    the values it may take, as an interval: [0,1) or (0,inf)
//	search   where random search draws it: "log 1e-4 1e-1" or "linear 0.1 0.9"
//	choices  a|b|c, for strings
//	official the default of the official package where it differs; golden files are replayed with it
//	alias    other names, separated by spaces; "!x" is a boolean that means the opposite, "betas.0" an element of a list
//
// Every optimizer has lr and weight_decay: the host schedules them and hands the values of each step over in Context,
// which alone an update reads. A method Check() error on C judges fields together. build gets checked values.
//
// Like a name taken twice, a field that is wrong by these rules is a programming error and panics.
func Register[C any](info Info, defaults C, build func(C) Optimizer) {
	hypers, err := declare(&defaults)
	if err != nil {
		panic(fmt.Sprintf("registry: optimizer %s: %v", info.Name, err))
	}
	e := &Entry{Info: info, Hypers: hypers, Package: caller(2)}
	e.build = func(s Settings) (Optimizer, Hyperparameters, error) {
		c := defaults
		h, err := e.resolve(&c, s)
		if err != nil {
			return nil, h, err
		}
		if checked, ok := any(c).(interface{ Check() error }); ok {
			if err := checked.Check(); err != nil {
				return nil, h, fmt.Errorf("optimizer %s: %w", info.Name, err)
			}
		}
		return build(c), h, nil
	}
	if _, _, err := e.build(nil); err != nil {
		panic(fmt.Sprintf("registry: defaults: %v", err))
	}
	table.Register(info.Name, e)
}

// caller is the import path of the package of a function on the stack.
func caller(skip int) string {
	pc, _, _, _ := runtime.Caller(skip)
	f := runtime.FuncForPC(pc)
	if f == nil {
		return ""
	}
	folder, name := path.Split(f.Name())
	name, _, _ = strings.Cut(name, ".")
	return folder + name
}

// New makes an optimizer of the defaults and s, and returns with it all values that it uses. The optimizer holds no
// training state: one made of other settings may take its place between steps as long as it declares the same slots.
func (e *Entry) New(s Settings) (Optimizer, Hyperparameters, error) { return e.build(s) }

// Hyper returns the hyper-parameter of that name or alias, nil if there is none.
func (e *Entry) Hyper(name string) *Hyper {
	h, negated, err := e.find(name)
	if err != nil || negated {
		return nil
	}
	return h
}

// Has reports whether there is a hyper-parameter of that name or alias, one that means the opposite included.
func (e *Entry) Has(name string) bool {
	_, _, err := e.find(name)
	return err == nil
}

// Lookup returns the optimizer called name: a registered one, or else one of Load, or else what a Source finds. The error
// lists what there is and the nearest name.
func Lookup(name string) (*Entry, error) {
	e, err := table.Lookup(name)
	if err == nil {
		return e, nil
	}
	if e := loaded.get(name); e != nil {
		return e, nil
	}
	for _, s := range sourcesFor(name) {
		if e, failed := s.Find(name); e != nil || failed != nil {
			return e, failed
		}
	}
	return nil, err
}

// Names returns the names of all registered optimizers, sorted.
func Names() []string { return table.Names() }
