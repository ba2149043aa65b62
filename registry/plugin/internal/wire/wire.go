// Package wire is the protocol between onnxtrain and an optimizer that is a program: lines of JSON over two pipes, tensors in
// a file that both map. docs/plugins.md describes it for authors in other languages.
package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Version is that of the protocol, which a program announces in its first line.
const Version = 1

// Cookie is in the environment of a program that runs as a plugin.
const (
	Cookie      = "ONNXTRAIN_PLUGIN"
	CookieValue = "optimizer"
)

// Name is what go-plugin calls the protocol by, Handshake the line that a program begins with on its standard output.
const (
	Name      = "onnxtrain"
	Handshake = "1|1|unix|pipes|" + Name
)

// The descriptors that a program finds open.
const (
	Requests = 3 + iota
	Answers
	Memory
)

// Request is a call of the host. What a field is for depends on Call.
type Request struct {
	Call    string `json:"call"`              // describe, settings, slots, memory or update
	Threads int    `json:"threads,omitempty"` // describe, update: compute threads

	ID     int            `json:"id,omitempty"`     // settings: the number that other calls name them by
	Hypers map[string]any `json:"hypers,omitempty"` // settings: every hyper-parameter

	Settings int     `json:"settings,omitempty"` // slots: which
	Params   []Param `json:"params,omitempty"`   // slots

	Size int64 `json:"size,omitempty"` // memory: of the file

	Step      int      `json:"step,omitempty"`       // update: of training
	LossTerms int      `json:"loss_terms,omitempty"` // update
	Updates   []Update `json:"updates,omitempty"`    // update
}

// Param describes a parameter and gives it a number.
type Param struct {
	ID    int          `json:"id"`
	Name  string       `json:"name"`
	Shape tensor.Shape `json:"shape"`
	DType string       `json:"dtype"`
	Role  string       `json:"role"`
}

// Update is to update a parameter and its slots in place. Value, Grad and Slots are offsets into the file.
type Update struct {
	Param       int     `json:"param"`
	Settings    int     `json:"settings"`
	Step        int     `json:"step"` // of this parameter, from 1
	LR          float64 `json:"lr"`
	WeightDecay float64 `json:"weight_decay"`
	Value       int64   `json:"value"`
	Grad        int64   `json:"grad"`
	Slots       []int64 `json:"slots"`
}

// Answer is what a program says to a request. Error refuses it; what else there is depends on the call.
type Answer struct {
	Error string `json:"error,omitempty"`

	// describe
	Name    string  `json:"name,omitempty"`
	Version string  `json:"version,omitempty"`
	Doc     string  `json:"doc,omitempty"`
	Paper   string  `json:"paper,omitempty"`
	Formula string  `json:"formula,omitempty"`
	Hypers  []Hyper `json:"hypers,omitempty"`

	Slots   [][]Slot `json:"slots,omitempty"`   // slots: of each parameter
	Updated *int     `json:"updated,omitempty"` // update: how many
}

// Hyper declares a hyper-parameter. Its texts are those of the tags of registry.Register.
type Hyper struct {
	Name     string `json:"name"`
	Kind     string `json:"kind,omitempty"` // number if not given
	Default  Scalar `json:"default"`
	Doc      string `json:"doc,omitempty"`
	Unit     string `json:"unit,omitempty"`
	Symbol   string `json:"symbol,omitempty"`
	Range    string `json:"range,omitempty"`
	Search   string `json:"search,omitempty"`
	Choices  string `json:"choices,omitempty"`
	Official string `json:"official,omitempty"`
	Alias    string `json:"alias,omitempty"`
}

// Slot declares state.
type Slot struct {
	Name  string       `json:"name"`
	Shape tensor.Shape `json:"shape"`
	DType string       `json:"dtype"`
	Init  Scalar       `json:"init,omitempty"` // a number or identity; "" is 0
}

// Scalar is a number, text or truth value of JSON, as text.
type Scalar string

// MarshalJSON implements json.Marshaler.
func (s Scalar) MarshalJSON() ([]byte, error) {
	if json.Valid([]byte(s)) && !strings.ContainsAny(string(s[:1]), `"{[n`) {
		return []byte(s), nil
	}
	return json.Marshal(string(s))
}

// UnmarshalJSON implements json.Unmarshaler.
func (s *Scalar) UnmarshalJSON(b []byte) error {
	b = bytes.TrimSpace(b)
	switch b[0] {
	case '{', '[':
		return fmt.Errorf("%.40s where a number, text or truth value should be", b)
	case 'n':
		*s = ""
	case '"':
		return json.Unmarshal(b, (*string)(s))
	default:
		*s = Scalar(b)
	}
	return nil
}

// dtypes are the types of parameters and slots by name.
var dtypes = map[string]tensor.DType{}

func init() {
	for _, dt := range []tensor.DType{tensor.Float32, tensor.Float64, tensor.Float16, tensor.BFloat16Type, tensor.Int8, tensor.Int16,
		tensor.Int32, tensor.Int64, tensor.Uint8, tensor.Uint16, tensor.Uint32, tensor.Uint64, tensor.Bool} {
		dtypes[dt.String()] = dt
	}
}

// DType is the type of that name, tensor.Invalid if there is none.
func DType(name string) tensor.DType { return dtypes[name] }

// Info is the parameter as registry describes it.
func (p Param) Info() registry.ParamInfo {
	return registry.ParamInfo{Name: p.Name, Shape: p.Shape, DType: DType(p.DType), Role: registry.Role(p.Role)}
}
