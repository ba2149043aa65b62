//go:build !unix

package cpu

import "unsafe"

// reserve allocates n bytes of zeros that start at a multiple of alignment.
func reserve(n int) ([]byte, error) {
	b := make([]byte, n+alignment)
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) & (alignment - 1)
	return b[skip : skip+n : skip+n], nil
}

func release([]byte) error { return nil }
