//go:build amd64 && !noasm

package linalg

import "github.com/onnxtrain/onnxtrain/internal/cpu"

// mapTiles reports whether there is assembly for the instruction set in use now.
func mapTiles(m TileMap, t *tiles) bool {
	if cpu.Current() < cpu.AVX512 {
		return false
	}
	switch m {
	case WinogradInput:
		winogradInputAVX512(t)
	case WinogradOutput:
		winogradOutputAVX512(t)
	case WinogradOutputGrad:
		winogradOutputGradAVX512(t)
	case WinogradFilter:
		winogradFilterAVX512(t)
	case WinogradFilterGrad:
		winogradFilterGradAVX512(t)
	}
	return true
}

//go:noescape
func winogradInputAVX512(t *tiles)

//go:noescape
func winogradOutputAVX512(t *tiles)

//go:noescape
func winogradOutputGradAVX512(t *tiles)

//go:noescape
func winogradFilterAVX512(t *tiles)

//go:noescape
func winogradFilterGradAVX512(t *tiles)
