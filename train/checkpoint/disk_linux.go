package checkpoint

import (
	"math"
	"os"
	"syscall"
)

func free(path string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		return 0, &os.PathError{Op: "statfs", Path: path, Err: err}
	}
	if blocks := uint64(math.MaxInt64) / uint64(max(s.Bsize, 1)); s.Bavail > blocks {
		return math.MaxInt64, nil
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}

func syncDir(d *os.File) error { return d.Sync() }
