package host

import (
	"os"

	"golang.org/x/sys/unix"
)

// openMemory makes a file without a name. The plugin, which has it open too, cannot make it shorter: reading behind its end
// would kill this process.
func openMemory() (*os.File, error) {
	fd, err := unix.MemfdCreate("onnxtrain", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "memfd:onnxtrain")
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK); err != nil {
		return nil, err
	}
	return f, nil
}

// punch gives the memory of a part of the file back.
func punch(f *os.File, offset, size int64) {
	// Without it the memory is only kept for longer.
	_ = unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, offset, size)
}
