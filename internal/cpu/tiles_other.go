//go:build !linux || !amd64 || noasm

package cpu

func permitTiles() bool { return false }
