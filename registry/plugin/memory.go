package plugin

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// memory is the file that tensors lie in.
type memory struct {
	file *os.File
	data []byte
}

// grow maps size bytes.
func (m *memory) grow(size int64) error {
	if size == int64(len(m.data)) {
		return nil
	}
	data, err := unix.Mmap(int(m.file.Fd()), 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("mapping %d bytes of shared memory: %w", size, err)
	}
	old := m.data
	m.data = data
	if old == nil {
		return nil
	}
	return unix.Munmap(old)
}
