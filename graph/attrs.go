package graph

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// Attr is a named attribute. Value is one of int64, float32, string, *tensor.Tensor, *Graph, or a slice of one of them.
type Attr struct {
	Name  string
	Value any
}

// Attrs are a node's attributes, sorted by name.
type Attrs []Attr

// MakeAttrs sorts attributes given as name, value, name, value, …; ints and []int are taken as int64.
func MakeAttrs(pairs ...any) Attrs {
	var a Attrs
	for i := 0; i < len(pairs); i += 2 {
		a = a.With(pairs[i].(string), pairs[i+1])
	}
	return a
}

// With returns the attributes with one set or replaced.
func (a Attrs) With(name string, value any) Attrs {
	switch v := value.(type) {
	case int:
		value = int64(v)
	case []int:
		wide := make([]int64, len(v))
		for i, x := range v {
			wide[i] = int64(x)
		}
		value = wide
	case float64:
		value = float32(v)
	}
	out := slices.Clone(a)
	i, found := slices.BinarySearchFunc(out, name, func(x Attr, name string) int { return strings.Compare(x.Name, name) })
	if found {
		out[i].Value = value
		return out
	}
	return slices.Insert(out, i, Attr{name, value})
}

// Without returns the attributes less one.
func (a Attrs) Without(name string) Attrs {
	return slices.DeleteFunc(slices.Clone(a), func(x Attr) bool { return x.Name == name })
}

// Get returns an attribute's value, nil when absent.
func (a Attrs) Get(name string) any {
	for i := range a {
		if a[i].Name == name {
			return a[i].Value
		}
	}
	return nil
}

// Has reports whether the attribute is there.
func (a Attrs) Has(name string) bool { return a.Get(name) != nil }

func get[T any](a Attrs, name string, absent T) T {
	if v, ok := a.Get(name).(T); ok {
		return v
	}
	return absent
}

// Int returns an integer attribute, or absent when it is not there.
func (a Attrs) Int(name string, absent int) int { return int(get(a, name, int64(absent))) }

// Bool returns an integer attribute that is 0 or 1.
func (a Attrs) Bool(name string, absent bool) bool {
	if !a.Has(name) {
		return absent
	}
	return a.Int(name, 0) != 0
}

// Float returns a float attribute, which ONNX stores as float32, or absent.
func (a Attrs) Float(name string, absent float64) float64 {
	if v, ok := a.Get(name).(float32); ok {
		return float64(v)
	}
	return absent
}

// String returns a string attribute, or absent.
func (a Attrs) String(name, absent string) string { return get(a, name, absent) }

// Ints returns a list of integers, nil when absent.
func (a Attrs) Ints(name string) []int {
	wide, ok := a.Get(name).([]int64)
	if !ok {
		return nil
	}
	out := make([]int, len(wide))
	for i, v := range wide {
		out[i] = int(v)
	}
	return out
}

// Floats returns a list of floats, nil when absent.
func (a Attrs) Floats(name string) []float32 { return get[[]float32](a, name, nil) }

// Strings returns a list of strings, nil when absent.
func (a Attrs) Strings(name string) []string { return get[[]string](a, name, nil) }

// Tensor returns a tensor attribute, nil when absent.
func (a Attrs) Tensor(name string) *tensor.Tensor { return get[*tensor.Tensor](a, name, nil) }

// Graph returns a subgraph attribute, nil when absent.
func (a Attrs) Graph(name string) *Graph { return get[*Graph](a, name, nil) }

func (a Attrs) format() string {
	var parts []string
	for _, x := range a {
		switch v := x.Value.(type) {
		case *tensor.Tensor:
			parts = append(parts, fmt.Sprintf("%s=%v", x.Name, v))
		case *Graph:
			parts = append(parts, x.Name+"={…}")
		case string:
			parts = append(parts, fmt.Sprintf("%s=%q", x.Name, v))
		default:
			parts = append(parts, fmt.Sprintf("%s=%v", x.Name, v))
		}
	}
	return strings.Join(parts, " ")
}
