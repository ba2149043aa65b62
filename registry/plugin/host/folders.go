package host

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Folders names the environment variable that lists the folders of plugins, in place of the user's own.
const Folders = "ONNXTRAIN_PLUGINS"

const onnxExtension = ".onnx"

// PluginFolders are where plugins are looked for by name, absolute, so that none of them is in the working folder by accident.
// The first one is where they are installed.
func PluginFolders() []string {
	if list, set := os.LookupEnv(Folders); set {
		return slices.DeleteFunc(filepath.SplitList(list), func(f string) bool { return !filepath.IsAbs(f) })
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return nil
	}
	return []string{filepath.Join(home, ".config", "onnxtrain", "plugins")}
}

// File is a file in a folder of plugins.
type File struct {
	Name string // what it is found by: that of the file without its extension
	Path string
	ONNX bool // an optimizer's graph; otherwise a program
}

// Files lists what may be optimizers in the folders of plugins, those first that are found first: ONNX files and executables.
func Files() []File {
	var all []File
	for _, folder := range PluginFolders() {
		entries, err := os.ReadDir(folder)
		if err != nil {
			continue // a folder that is not there holds nothing
		}
		for _, e := range entries {
			path := filepath.Join(folder, e.Name())
			info, err := os.Stat(path)
			if err != nil || !info.Mode().IsRegular() || strings.HasPrefix(e.Name(), ".") {
				continue
			}
			f := FileAt(path)
			if f.Name != "" && (f.ONNX || info.Mode()&0o111 != 0) {
				all = append(all, f)
			}
		}
	}
	return all
}

// FileAt is the name and kind that a plugin's path means.
func FileAt(path string) File {
	base := filepath.Base(path)
	ext := filepath.Ext(base)
	return File{Name: strings.TrimSuffix(base, ext), Path: path, ONNX: strings.EqualFold(ext, onnxExtension)}
}

// programs are the files of that name which are no ONNX files, in the first folder that has one. A script that somebody forgot
// to make executable is one of them: the error that starting it gives says so.
func programs(name string) []string {
	for _, folder := range PluginFolders() {
		entries, err := os.ReadDir(folder)
		if err != nil {
			continue
		}
		var found, scripts []string
		for _, e := range entries {
			f := FileAt(filepath.Join(folder, e.Name()))
			info, err := os.Stat(f.Path)
			if err != nil || !info.Mode().IsRegular() || f.Name != name || f.ONNX {
				continue
			}
			if info.Mode()&0o111 != 0 {
				found = append(found, f.Path)
			} else {
				scripts = append(scripts, f.Path)
			}
		}
		if len(found)+len(scripts) > 0 {
			return append(found, scripts[:min(len(scripts), 1-min(len(found), 1))]...)
		}
	}
	return nil
}

// only is the one of several files that a name means.
func only(name string, paths []string) (string, error) {
	if len(paths) > 1 {
		return "", fmt.Errorf("optimizer %s is the name of several files: %s; give each a name of its own", name, strings.Join(paths, " "))
	}
	return paths[0], nil
}
