package host

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// processAttributes put a plugin into a group of its own and have the system end it when the thread that starts it ends.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// keepDescriptors marks what this process was itself given, by whoever started it, as not to be passed on. All that Go opens
// is marked already.
func keepDescriptors() {
	// On a system too old for it they are passed on.
	_ = unix.CloseRange(3, 1<<31-1, unix.CLOSE_RANGE_CLOEXEC)
}

// waitForEnd returns when a child has ended. Its number stays its own until it is waited for.
func waitForEnd(pid int) {
	for {
		if err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err != unix.EINTR {
			return
		}
	}
}

// limitMemory has the system refuse a process more than limit bytes of its own, with room for what it only sets aside.
func limitMemory(pid int, limit int64) error {
	most := uint64(limit) + 1<<30
	if err := unix.Prlimit(pid, unix.RLIMIT_DATA, &unix.Rlimit{Cur: most, Max: most}, nil); err != nil {
		return fmt.Errorf("limiting its memory: %w", err)
	}
	return unix.Prlimit(pid, unix.RLIMIT_CORE, &unix.Rlimit{}, nil)
}

// ownMemory is how much a process has of its own, shared memory not counted, 0 if that cannot be told.
func ownMemory(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	total := int64(0)
	for line := range bytes.Lines(status) {
		name, rest, _ := bytes.Cut(line, []byte(":"))
		if string(name) != "RssAnon" && string(name) != "VmSwap" {
			continue
		}
		if f := bytes.Fields(rest); len(f) > 0 {
			if kib, err := strconv.ParseInt(string(f[0]), 10, 64); err == nil {
				total += kib << 10
			}
		}
	}
	return total
}
