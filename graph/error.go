package graph

import (
	"errors"
	"fmt"
)

// Error is what went wrong at a node.
type Error struct {
	Node *Node
	Err  error
}

func (e *Error) Error() string {
	if e.Node == nil {
		return e.Err.Error()
	}
	where := fmt.Sprintf("node %q (%v)", e.Node.Name, e.Node.Op)
	if o := e.Node.Origin; o != nil {
		where += fmt.Sprintf(", gradient of %q (%v)", o.Name, o.Op)
	}
	return where + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// At wraps err with the node it happened at; nil stays nil, and an error that names a node already keeps it.
func At(n *Node, err error) error {
	var named *Error
	if err == nil || errors.As(err, &named) {
		return err
	}
	return &Error{n, err}
}

// Errorf makes an Error.
func Errorf(n *Node, format string, args ...any) error {
	return &Error{n, fmt.Errorf(format, args...)}
}
