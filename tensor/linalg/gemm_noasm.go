//go:build !amd64 || noasm

package linalg

func multiply(_ *kernel, t *micro) { multiplyGeneric(t) }
