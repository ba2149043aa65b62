//go:build !noasm

package cpu

import "syscall"

const (
	archRequestPermission = 0x1023 // ARCH_REQ_XCOMP_PERM
	featureTileData       = 18     // XFEATURE_XTILEDATA
)

// permitTiles asks Linux to let the threads of this process use the tiles of AMX: without permission their first use
// is a fault. Kernels before 5.16, hypervisors without AMX and filters of system calls refuse. A signal saves live tiles in
// its frame, for which the signal stacks of Go's threads are large enough; the kernel checks that too.
func permitTiles() bool {
	_, _, errno := syscall.RawSyscall(syscall.SYS_ARCH_PRCTL, archRequestPermission, featureTileData, 0)
	return errno == 0
}
