//go:build !amd64 || noasm

package linalg

func multiplySweep(_ *kernel, t *sweep) { sweepGeneric(t) }

func copyWeave(kern *kernel, t *weave) { weaveGeneric(t, kern.nr/2) }
