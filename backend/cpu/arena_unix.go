//go:build unix && !linux

package cpu

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// reserve maps n bytes of zeros outside the Go heap, where the collector neither counts nor scans them.
func reserve(n int) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	b, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("reserving %d bytes: %w", n, err)
	}
	return b, nil
}

func release(b []byte) error {
	if b == nil {
		return nil
	}
	return unix.Munmap(b)
}
