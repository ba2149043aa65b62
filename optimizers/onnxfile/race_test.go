//go:build race

package onnxfile

// The race detector drops pooled memory at random.
func init() { raceEnabled = true }
