package train

import (
	"errors"
	"fmt"

	"github.com/onnxtrain/onnxtrain/registry"
)

// Kind sorts failures by what a user can do about them; its value is the program's exit code.
type Kind int

const (
	Internal  Kind = 1
	Usage     Kind = 2 // flags or configuration
	BadModel  Kind = 3 // not loadable or not trainable
	BadData   Kind = 4
	Diverged  Kind = 5
	Resources Kind = 6 // memory, disk
	Plugin    Kind = 7
	Unproven  Kind = 8 // a written file did not verify
)

// Failure is an error of a known kind.
type Failure struct {
	Kind Kind
	Err  error
}

func (f *Failure) Error() string { return f.Err.Error() }
func (f *Failure) Unwrap() error { return f.Err }

// fail wraps err as a failure of kind k; nil stays nil, a failure keeps its kind, and that of a plugin is always one of Plugin.
func fail(k Kind, err error) error {
	if err == nil {
		return nil
	}
	if f, ok := err.(*Failure); ok {
		return f
	}
	var plugin *registry.PluginError
	if errors.As(err, &plugin) {
		k = Plugin
	}
	return &Failure{k, err}
}

func failf(k Kind, format string, args ...any) error {
	return &Failure{k, fmt.Errorf(format, args...)}
}
