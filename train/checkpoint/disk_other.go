//go:build !linux

package checkpoint

import (
	"os"
	"runtime"
)

func free(string) (int64, error) { return -1, nil }

// syncDir leaves out Windows, where a folder cannot be flushed.
func syncDir(d *os.File) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	return d.Sync()
}
