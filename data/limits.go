package data

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/onnxtrain/onnxtrain/internal/memory"
)

// maxMemory bounds what a data set loads into memory unless its max option says otherwise: half of what the process can have.
func maxMemory() int { return int(min(8<<30, memory.Limit()/2)) }

// Real data shrink by far less than this, so that contents that are so much larger than their compressed file, but for a few
// megabytes, are taken for a bomb.
const (
	maxRatio  = 200
	freeBytes = 16 << 20
)

// budget is how many bytes may come out of a file.
type budget struct {
	limit int64 // the max option, or what stands in for it
	given bool  // the option: whoever says so knows the file
}

// budgetOf takes the max option.
func budgetOf(o *Options) budget {
	return budget{int64(o.Int("max", maxMemory(), 1, 1<<60)), o.Has("max")}
}

// inflated bounds what may come out of a compressed file of so many bytes.
func (b budget) inflated(compressed int64) int64 {
	if b.given {
		return b.limit
	}
	return min(b.limit, freeBytes+min(compressed, 1<<50)*maxRatio)
}

// check refuses size bytes out of a compressed file.
func (b budget) check(size, compressed int64) error {
	switch {
	case size > b.limit:
		return fmt.Errorf("%d bytes are more than max=%d allows; raise ?max= if there is the memory", size, b.limit)
	case size > b.inflated(compressed):
		return fmt.Errorf("%d bytes out of %d compressed ones look like a bomb; say ?max=%d if they are right", size, compressed, size)
	}
	return nil
}

// maxPixelsPerByte is more than images that show something have, by far; blank ones may be a megapixel.
const (
	maxPixelsPerByte = 512
	freePixels       = 1 << 20
)

// openFile opens a file of a folder for reading. It does not wait for the writer of a pipe; reading finds out that it is none
// of what is expected.
func openFile(root *os.Root, name string) (*os.File, error) {
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: name, Err: fmt.Errorf("not a regular file")}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
