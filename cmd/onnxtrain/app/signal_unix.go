//go:build unix

package app

import (
	"os"
	"os/signal"
	"syscall"
)

// notify delivers the signals that a run reacts to, until forget. SIGQUIT stays the one that prints all stacks.
func notify() (signals chan os.Signal, forget func()) {
	signals = make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGUSR1)
	return signals, func() { signal.Stop(signals); close(signals) }
}

func isSaveSignal(s os.Signal) bool { return s == syscall.SIGUSR1 }

func signalCode(s os.Signal) int {
	if s == syscall.SIGTERM {
		return 143
	}
	return 130
}
