package host

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/onnxtrain/onnxtrain/internal/memory"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Tensors begin at cache lines; small ones share a chunk of the file.
const (
	alignment = 64
	chunkSize = 4 << 20
	pageSize  = 1 << 16 // no machine has larger ones
)

// shared is the file that tensors of a plugin's parameters, gradients and slots lie in. It has no name, so that it ends with
// the processes that have it open. It grows, and what is freed is given back to the system.
type shared struct {
	mu     sync.Mutex
	file   *os.File
	size   int64    // of the file
	used   int64    // of it
	chunks []*chunk // by address
	free   []hole
}

// chunk is a part of the file as this process maps it.
type chunk struct {
	data   []byte
	offset int64 // in the file
	filled int
	live   int // tensors
}

type hole struct{ offset, size int64 }

func (c *chunk) base() uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(c.data))) }

func newShared() (*shared, error) {
	f, err := openMemory()
	if err != nil {
		return nil, fmt.Errorf("making a file for shared memory: %w", err)
	}
	return &shared{file: f}, nil
}

// alloc makes a tensor of zeros.
func (m *shared) alloc(dt tensor.DType, shape tensor.Shape) (*tensor.Tensor, error) {
	if err := shape.Check(dt); err != nil {
		return nil, err
	}
	size := shape.Elems() * dt.Size()
	m.mu.Lock()
	defer m.mu.Unlock()
	c, err := m.room(max(size, 1))
	if err != nil {
		return nil, err
	}
	data := c.data[c.filled : c.filled+size : c.filled+size]
	c.filled = (c.filled + max(size, 1) + alignment - 1) &^ (alignment - 1)
	c.live++
	return &tensor.Tensor{DType: dt, Shape: shape.Clone(), Data: data}, nil
}

// room is a chunk with so many bytes left.
func (m *shared) room(size int) (*chunk, error) {
	for _, c := range m.chunks {
		if c.filled <= len(c.data)-size {
			return c, nil
		}
	}
	n := (int64(max(size, chunkSize)) + pageSize - 1) &^ (pageSize - 1)
	if limit := memory.Limit(); m.used+n > limit {
		return nil, fmt.Errorf("parameters, gradients and state would take %d MiB of shared memory, this machine has %d",
			(m.used+n)>>20, limit>>20)
	}
	at := slices.IndexFunc(m.free, func(h hole) bool { return h.size == n })
	offset := m.size
	if at >= 0 {
		offset = m.free[at].offset
	} else if err := m.file.Truncate(m.size + n); err != nil {
		return nil, fmt.Errorf("growing the shared memory to %d MiB: %w", (m.size+n)>>20, err)
	}
	data, err := unix.Mmap(int(m.file.Fd()), offset, int(n), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("mapping %d MiB of shared memory: %w", n>>20, err)
	}
	if at >= 0 {
		m.free = slices.Delete(m.free, at, at+1)
	} else {
		m.size += n
	}
	m.used += n
	c := &chunk{data: data, offset: offset}
	i, _ := slices.BinarySearchFunc(m.chunks, c, func(a, b *chunk) int { return cmp.Compare(a.base(), b.base()) })
	m.chunks = slices.Insert(m.chunks, i, c)
	return c, nil
}

// find is the chunk that a tensor lies in, nil if it lies elsewhere.
func (m *shared) find(t *tensor.Tensor) *chunk {
	at := uintptr(unsafe.Pointer(unsafe.SliceData(t.Data)))
	i, exact := slices.BinarySearchFunc(m.chunks, at, func(c *chunk, at uintptr) int { return cmp.Compare(c.base(), at) })
	if !exact {
		i--
	}
	if i < 0 || at >= m.chunks[i].base()+uintptr(len(m.chunks[i].data)) {
		return nil
	}
	return m.chunks[i]
}

// offset is where in the file a tensor lies, -1 if it lies elsewhere.
func (m *shared) offset(t *tensor.Tensor) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.find(t)
	if c == nil {
		return -1
	}
	return c.offset + int64(uintptr(unsafe.Pointer(unsafe.SliceData(t.Data)))-c.base())
}

// release takes tensors back. A chunk without any is unmapped and its memory given back.
func (m *shared) release(ts ...*tensor.Tensor) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range ts {
		c := m.find(t)
		if c == nil {
			continue
		}
		t.Data = nil
		if c.live--; c.live > 0 {
			continue
		}
		n := int64(len(c.data))
		m.chunks = slices.DeleteFunc(m.chunks, func(other *chunk) bool { return other == c })
		punch(m.file, c.offset, n)
		if unix.Munmap(c.data) == nil {
			m.free = append(m.free, hole{c.offset, n})
			m.used -= n
		}
	}
}

func (m *shared) length() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.size
}

// close unmaps everything. The tensors are gone.
func (m *shared) close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.chunks {
		if err := unix.Munmap(c.data); err != nil {
			return err
		}
	}
	m.chunks = nil
	return m.file.Close()
}
