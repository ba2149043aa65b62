//go:build !amd64 || noasm

package linalg

import "github.com/onnxtrain/onnxtrain/internal/cpu"

func peakLoop(cpu.Level, bool) (loop func(), operations float64) { return peakGeneric() }
