// Package backend is the contract between a graph and what runs it.
package backend

import (
	"context"
	"errors"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/internal/names"
	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Backend compiles graphs. The graph must be resolved and inferred, all types static, and must not change afterwards.
type Backend interface {
	Compile(g *graph.Graph, o Options) (Program, error)
}

// Options say how to compile.
type Options struct {
	Pool *par.Pool // nil: one thread
	// Memory returns the tensor that a parameter or state lives in, shared with other programs and the optimizer; nil,
	// or a nil result, makes the program keep its own copy of the initial value.
	Memory func(v *graph.Value) *tensor.Tensor
	// Keep lists computed values to leave readable after a run, besides the graph's outputs and the values of its updates.
	Keep []*graph.Value
	// NoReuse gives every value its own memory; the results must be the same bits.
	NoReuse bool
	// Reference runs every operator on its float64 reference.
	Reference bool
	// MaxBytes refuses a plan that is larger; 0 means no limit.
	MaxBytes int64
}

var (
	// ErrTooLarge is wrapped by the error of a plan above Options.MaxBytes.
	ErrTooLarge = errors.New("the memory plan is larger than the limit")
	// ErrPanic is wrapped by the error of a run in which a kernel panicked, which is a bug.
	ErrPanic = errors.New("panic")
)

// Plan is what a program's memory will be, known before the first run.
type Plan struct {
	ParamBytes   int64 // parameters, states and constants
	ArenaBytes   int64 // inputs and computed values, reused over lifetimes
	ScratchBytes int64 // of kernels
	NoReuseBytes int64 // what ArenaBytes would be without reuse
}

// Total is the sum of what the program holds at once.
func (p Plan) Total() int64 { return p.ParamBytes + p.ArenaBytes + p.ScratchBytes }

// NodeTime is how long a node took in the last run that was profiled.
type NodeTime struct {
	Node        *graph.Node
	Kernel      string
	Start       int64 // nanoseconds after the begin of the run
	Nanoseconds int64
}

// Program is a compiled graph with its memory.
type Program interface {
	// Tensor is the memory of an input, parameter, state, constant, output or kept value, nil for others. Write inputs
	// before Run and read results until the next one.
	Tensor(v *graph.Value) *tensor.Tensor
	// Run computes everything once. It allocates nothing. A graph.Error says that a node's operator does not take the values
	// that reach it, or wraps ErrPanic.
	Run(ctx context.Context) error
	// Commit applies the graph's updates: states take the values that the last run computed.
	Commit()
	// Profile runs once and reports every node in order.
	Profile(ctx context.Context) ([]NodeTime, error)
	// Kernel names what runs a node, "reference" for the float64 one.
	Kernel(n *graph.Node) string
	Memory() Plan
	Close() error
}

var backends = names.Table[Backend]{Kind: "backend"}

// Register adds a backend from an init function.
func Register(name string, b Backend) { backends.Register(name, b) }

// Lookup returns a backend by name.
func Lookup(name string) (Backend, error) { return backends.Lookup(name) }
