//go:build unix && !linux

package host

import (
	"syscall"
	"time"
)

// processAttributes put a plugin into a group of its own. It learns from its pipe that this process has ended.
func processAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// keepDescriptors marks what this process was itself given, by whoever started it, as not to be passed on. All that Go opens
// is marked already.
func keepDescriptors() {
	for fd := 3; fd < 1024; fd++ {
		syscall.CloseOnExec(fd)
	}
}

// waitForEnd returns when a child has ended: it is a zombie then, which no signal reaches.
func waitForEnd(pid int) {
	for syscall.Kill(-pid, 0) == nil {
		time.Sleep(20 * time.Millisecond)
	}
}

func limitMemory(int, int64) error { return nil }

func ownMemory(int) int64 { return 0 }
