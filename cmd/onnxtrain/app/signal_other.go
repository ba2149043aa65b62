//go:build !unix

package app

import (
	"os"
	"os/signal"
)

func notify() (signals chan os.Signal, forget func()) {
	signals = make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt)
	return signals, func() { signal.Stop(signals); close(signals) }
}

func isSaveSignal(os.Signal) bool { return false }

func signalCode(os.Signal) int { return 130 }
