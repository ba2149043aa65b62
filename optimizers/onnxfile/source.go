package onnxfile

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onnxtrain/onnxtrain/registry"
)

// Folders names the environment variable that lists folders of plugins, in place of the user's own.
const Folders = "ONNXTRAIN_PLUGINS"

const extension = ".onnx"

func init() { registry.RegisterSource(registry.Source{Find: find, Names: names}) }

// find opens a path, that is a name with a slash or ending in .onnx, or a name in a plugins folder. A bare name never
// means a file in the working folder: what lies there may come with a model from anywhere.
func find(name string) (*registry.Entry, error) {
	if strings.ContainsRune(name, '/') || strings.ContainsRune(name, filepath.Separator) || strings.HasSuffix(name, extension) {
		return Open(name, name)
	}
	if name == "" || strings.HasPrefix(name, ".") {
		return nil, nil
	}
	for _, folder := range folders() {
		path := filepath.Join(folder, name+extension)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return Open(name, path)
		}
	}
	return nil, nil
}

// names lists the files in the plugins folders.
func names() []string {
	var all []string
	for _, folder := range folders() {
		entries, err := os.ReadDir(folder)
		if err != nil {
			continue // a folder that is not there holds nothing
		}
		for _, e := range entries {
			if name, ok := strings.CutSuffix(e.Name(), extension); ok && name != "" && !strings.HasPrefix(name, ".") && !e.IsDir() {
				all = append(all, name)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// folders are absolute, so that none of them is in the working folder by accident.
func folders() []string {
	if list, set := os.LookupEnv(Folders); set {
		return slices.DeleteFunc(filepath.SplitList(list), func(f string) bool { return !filepath.IsAbs(f) })
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return nil
	}
	return []string{filepath.Join(home, ".config", "onnxtrain", "plugins")}
}

// about puts the file into an error of its graph.
func (f *file) about(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", f.path, err)
}
