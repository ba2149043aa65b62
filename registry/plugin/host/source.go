package host

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/onnxtrain/onnxtrain/registry"
)

func init() {
	registry.RegisterSource(registry.Source{Find: find, Names: names, Takes: takes, Open: Open})
}

// running are the programs of this process by path.
var running = struct {
	sync.Mutex
	by map[string]*program
}{by: map[string]*program{}}

// at is the program of a file, started on first use.
func at(path string) (*program, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	running.Lock()
	defer running.Unlock()
	if p := running.by[path]; p != nil {
		return p, nil
	}
	p, err := newProgram(path)
	if err == nil {
		running.by[path] = p
	}
	return p, err
}

// Close ends all programs. Optimizers that were made of them, and tensors in their memory, must not be used from then on.
func Close() error {
	running.Lock()
	defer running.Unlock()
	var errs []error
	for path, p := range running.by {
		errs = append(errs, p.close())
		delete(running.by, path)
	}
	return errors.Join(errs...)
}

// takes reports whether a name is the path of a file that is no ONNX file.
func takes(name string) bool {
	if !strings.ContainsRune(name, filepath.Separator) || FileAt(name).ONNX {
		return false
	}
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// Open starts the program in a file, which goes by the name that it gives itself.
func Open(path string) (*registry.Entry, error) {
	if !takes(path) {
		return nil, nil
	}
	p, err := at(path)
	if err != nil {
		return nil, err
	}
	return p.entry("")
}

// find starts the program that a path, or a name in a folder of plugins, means. A bare name never means a file in the working
// folder: what lies there may come with a model from anywhere.
func find(name string) (*registry.Entry, error) {
	if takes(name) {
		p, err := at(name)
		if err != nil {
			return nil, err
		}
		return p.entry(name)
	}
	if !programName.MatchString(name) {
		return nil, nil
	}
	paths := programs(name)
	if len(paths) == 0 {
		return nil, nil
	}
	path, err := only(name, paths)
	if err != nil {
		return nil, err
	}
	p, err := at(path)
	if err != nil {
		return nil, err
	}
	if p.about.Name != name {
		return nil, p.fail(fmt.Errorf("it calls itself %.80q; a program in a folder of plugins has the name of its file", p.about.Name))
	}
	return p.entry("")
}

// names lists the programs in the folders of plugins.
func names() []string {
	var all []string
	for _, f := range Files() {
		if !f.ONNX {
			all = append(all, f.Name)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
