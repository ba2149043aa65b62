package registry

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// Kind is what a hyper-parameter's values are.
type Kind string

const (
	Number  Kind = "number"
	Integer Kind = "integer"
	Boolean Kind = "boolean"
	Choice  Kind = "choice" // one of Choices
	Text    Kind = "text"   // a form of its own, said in Doc
)

// Hyper is the declaration of a hyper-parameter.
type Hyper struct {
	Name, Doc, Unit, Symbol string
	Aliases                 []string // see Register
	Kind                    Kind
	Default                 any // float64, int, bool or string by Kind
	Range                   Range
	Search                  Search
	Choices                 []string
	Official                string // the default of the official package where it is another; "": the same

	index []int
}

// Range is an interval of numbers. The zero Range holds every finite number.
type Range struct {
	Lo, Hi         float64
	LoOpen, HiOpen bool
	set            bool
}

// Search is where random search draws a number; Hi is 0 when it stays at its default.
type Search struct {
	Lo, Hi float64
	Log    bool
}

// Contains reports whether x lies in the range.
func (r Range) Contains(x float64) bool {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return false
	}
	if !r.set {
		return true
	}
	return (x > r.Lo || x == r.Lo && !r.LoOpen) && (x < r.Hi || x == r.Hi && !r.HiOpen)
}

// String prints the interval, such as [0,1); nothing for the zero Range.
func (r Range) String() string {
	if !r.set {
		return ""
	}
	open, shut := "[", "]"
	if r.LoOpen {
		open = "("
	}
	if r.HiOpen {
		shut = ")"
	}
	return open + format(r.Lo) + "," + format(r.Hi) + shut
}

// MarshalText writes String: JSON has no infinity.
func (r Range) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

func parseRange(s string) (r Range, err error) {
	lo, hi, ok := strings.Cut(s, ",")
	if !ok || len(lo) < 2 || len(hi) < 2 {
		return r, fmt.Errorf("range %q is not an interval like [0,1)", s)
	}
	r = Range{LoOpen: lo[0] == '(', HiOpen: hi[len(hi)-1] == ')', set: true}
	if r.Lo, err = strconv.ParseFloat(lo[1:], 64); err != nil {
		return r, err
	}
	r.Hi, err = strconv.ParseFloat(hi[:len(hi)-1], 64)
	return r, err
}

func parseSearch(s string) (out Search, err error) {
	f := strings.Fields(s)
	if len(f) != 3 || f[0] != "log" && f[0] != "linear" {
		return out, fmt.Errorf(`search %q is not like "log 1e-4 1e-1"`, s)
	}
	out.Log = f[0] == "log"
	if out.Lo, err = strconv.ParseFloat(f[1], 64); err != nil {
		return out, err
	}
	out.Hi, err = strconv.ParseFloat(f[2], 64)
	return out, err
}

// declare reads the tags of a settings struct.
func declare(config any) ([]Hyper, error) {
	v := reflect.ValueOf(config).Elem()
	if v.Kind() != reflect.Struct {
		return nil, fmt.Errorf("settings are a %v, not a struct", v.Type())
	}
	var hypers []Hyper
	taken := map[string]bool{}
	for _, f := range reflect.VisibleFields(v.Type()) {
		if f.Anonymous || !f.IsExported() {
			continue
		}
		h, err := declareField(f, v.FieldByIndex(f.Index))
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", f.Name, err)
		}
		for _, name := range append([]string{h.Name}, h.Aliases...) {
			if name = strings.TrimPrefix(name, "!"); name == "" || taken[name] {
				return nil, fmt.Errorf("field %s: name %q is empty or taken", f.Name, name)
			}
			taken[name] = true
		}
		hypers = append(hypers, h)
	}
	if !taken["lr"] || !taken["weight_decay"] {
		return nil, fmt.Errorf("settings lack lr or weight_decay")
	}
	return hypers, nil
}

func declareField(f reflect.StructField, v reflect.Value) (Hyper, error) {
	tag := f.Tag.Get
	h := Hyper{
		Name: tag("name"), Doc: tag("doc"), Unit: tag("unit"), Symbol: tag("symbol"),
		Aliases: strings.Fields(tag("alias")), Official: tag("official"), index: f.Index,
	}
	var err error
	if s := tag("choices"); s != "" {
		h.Choices = strings.Split(s, "|")
	}
	if h.Kind, err = kindOf(v, h.Choices); err != nil {
		return h, err
	}
	if s := tag("range"); s != "" {
		if h.Range, err = parseRange(s); err != nil {
			return h, err
		}
	}
	if s := tag("search"); s != "" {
		if h.Search, err = parseSearch(s); err != nil {
			return h, err
		}
	}
	h.Default = current(v)
	return h, nil
}

func kindOf(v reflect.Value, choices []string) (Kind, error) {
	if _, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return Text, nil
	}
	switch {
	case v.Kind() == reflect.Float64:
		return Number, nil
	case v.Kind() == reflect.Int:
		return Integer, nil
	case v.Kind() == reflect.Bool:
		return Boolean, nil
	case v.Kind() == reflect.String && choices != nil:
		return Choice, nil
	}
	return "", fmt.Errorf("type %v cannot be a setting", v.Type())
}
