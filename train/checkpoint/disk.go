package checkpoint

import (
	"io"
	"os"
)

// FS is what saving does to a disk, so that tests can fail every single operation of it.
type FS interface {
	MkdirAll(path string) error
	Create(path string) (File, error)
	Rename(from, to string) error
	RemoveAll(path string) error
	SyncDir(path string) error // makes what was created, renamed and removed in a folder permanent
	// Free is how many bytes can still be written below path, -1 when that is unknown.
	Free(path string) (int64, error)
}

// File is a file being written.
type File interface {
	io.WriteCloser
	Sync() error
}

// Disk is the real file system.
type Disk struct{}

func (Disk) MkdirAll(path string) error { return os.MkdirAll(path, 0o777) }
func (Disk) Create(path string) (File, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
}
func (Disk) Rename(from, to string) error    { return os.Rename(from, to) }
func (Disk) RemoveAll(path string) error     { return os.RemoveAll(path) }
func (Disk) Free(path string) (int64, error) { return free(path) }

func (Disk) SyncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return syncDir(d)
}
