package onnxload

import (
	"maps"
	"path/filepath"
	"slices"
)

// Files are the paths that the model was read from: its own, then those of its external data in order of their names.
func (m *Model) Files() []string {
	files := []string{m.Path}
	for _, location := range slices.Sorted(maps.Keys(m.locations)) {
		files = append(files, filepath.Join(filepath.Dir(m.Path), filepath.FromSlash(location)))
	}
	return files
}
