package registry

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Source finds optimizers that are not compiled in, such as files. Names of Register come first.
type Source struct {
	// Find returns the optimizer that a name means; nil without an error: the name means nothing here.
	Find func(name string) (*Entry, error)
	// Names lists what Find finds without being told a place, sorted.
	Names func() []string
	// Takes reports whether a path is this source's to open. The others are not asked then.
	Takes func(path string) bool
	// Open opens the file of an optimizer, under the name that it gives itself. nil: as Find does, under the file's name.
	Open func(path string) (*Entry, error)
}

var sources struct {
	sync.Mutex
	list []Source
}

// RegisterSource adds a source from an init function. Sources are asked in the order of their registration.
func RegisterSource(s Source) {
	sources.Lock()
	defer sources.Unlock()
	sources.list = append(sources.list, s)
}

func allSources() []Source {
	sources.Lock()
	defer sources.Unlock()
	return slices.Clone(sources.list)
}

// sourcesFor are those to ask for a name: the one that takes it as a path, or else all.
func sourcesFor(name string) []Source {
	all := allSources()
	for _, s := range all {
		if s.Takes != nil && s.Takes(name) {
			return []Source{s}
		}
	}
	return all
}

// External returns the names of optimizers that Load added or sources offer and that are not those of built-in ones.
func External() []string {
	builtin := Names()
	all := loaded.names()
	for _, s := range allSources() {
		for _, name := range s.Names() {
			if !slices.Contains(builtin, name) && !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	return all
}

// Field declares a hyper-parameter of an optimizer that has no settings struct. Tags are those of Register, Default is a
// text as flags give it.
type Field struct {
	Kind    Kind // Number, Integer, Boolean or Choice
	Default string
	Tags    map[string]string
}

// NewEntry makes an optimizer that a Source found. origin says where, for people. lr and weight_decay must be among the
// fields. Unlike Register it returns what is wrong with the declaration, as somebody else wrote it.
func NewEntry(info Info, origin string, fields []Field, build func(Hyperparameters) (Optimizer, error)) (*Entry, error) {
	types := map[Kind]reflect.Type{
		Number: reflect.TypeFor[float64](), Integer: reflect.TypeFor[int](), Boolean: reflect.TypeFor[bool](), Choice: reflect.TypeFor[string](),
	}
	var list []reflect.StructField
	for i, f := range fields {
		t := types[f.Kind]
		if t == nil {
			return nil, fmt.Errorf("hyper-parameter %s: kind %q cannot be declared", f.Tags["name"], f.Kind)
		}
		list = append(list, reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: t, Tag: f.tag()})
	}
	defaults := reflect.New(reflect.StructOf(list))
	for i, f := range fields {
		if _, err := declareField(defaults.Type().Elem().Field(i), defaults.Elem().Field(i)); err != nil {
			return nil, fmt.Errorf("hyper-parameter %s: %w", f.Tags["name"], err)
		}
	}
	e := &Entry{Info: info, Origin: origin}
	var err error
	if e.Hypers, err = declare(defaults.Interface()); err != nil {
		return nil, err
	}
	for i := range e.Hypers {
		h, field := &e.Hypers[i], defaults.Elem().Field(i)
		if err := h.assign(field, fields[i].Default); err != nil {
			return nil, fmt.Errorf("hyper-parameter %s: the default %q %w", h.Name, fields[i].Default, err)
		}
		h.Default = current(field)
	}
	e.build = func(s Settings) (Optimizer, Hyperparameters, error) {
		c := reflect.New(defaults.Elem().Type())
		c.Elem().Set(defaults.Elem())
		h, err := e.resolve(c.Interface(), s)
		if err != nil {
			return nil, h, err
		}
		opt, err := build(h)
		return opt, h, err
	}
	_, _, err = e.build(nil)
	return e, err
}

func (f Field) tag() reflect.StructTag {
	var parts []string
	for _, key := range []string{"name", "doc", "unit", "symbol", "range", "search", "choices", "official", "alias"} {
		if v := f.Tags[key]; v != "" {
			parts = append(parts, key+":"+strconv.Quote(v))
		}
	}
	return reflect.StructTag(strings.Join(parts, " "))
}
