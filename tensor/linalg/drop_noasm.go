//go:build !amd64 || noasm

package linalg

func (d Drop) words(dst, x []float32, state uint64) { d.wordsGeneric(dst, x, state) }
