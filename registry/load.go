package registry

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// loadedTable is the optimizers that Load added.
type loadedTable struct {
	sync.Mutex
	by map[string]*Entry
}

var loaded = loadedTable{by: map[string]*Entry{}}

func (t *loadedTable) get(name string) *Entry {
	t.Lock()
	defer t.Unlock()
	return t.by[name]
}

func (t *loadedTable) names() []string {
	t.Lock()
	defer t.Unlock()
	return slices.Sorted(maps.Keys(t.by))
}

// Load makes the optimizer in a file known by its name as long as this process runs. Loading a file again does nothing. A name
// that another optimizer has is an error.
func Load(path string) (*Entry, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	e, err := OpenFile(path)
	if err != nil {
		return nil, err
	}
	if _, err := table.Lookup(e.Name); err == nil {
		return nil, fmt.Errorf("%s calls itself %s, which is the name of a built-in optimizer; it needs another name", path, e.Name)
	}
	loaded.Lock()
	defer loaded.Unlock()
	if other := loaded.by[e.Name]; other != nil && other.Origin != e.Origin {
		return nil, fmt.Errorf("%s and %s are both called %s; one of them needs another name", path, other.Origin, e.Name)
	}
	loaded.by[e.Name] = e
	return e, nil
}

// Unload forgets what Load made known.
func Unload() {
	loaded.Lock()
	defer loaded.Unlock()
	clear(loaded.by)
}

// OpenFile opens the optimizer in a file without making it known.
func OpenFile(path string) (*Entry, error) {
	for _, s := range sourcesFor(path) {
		open := s.Open
		if open == nil {
			open = func(path string) (*Entry, error) { return named(s, path) }
		}
		if e, err := open(path); e != nil || err != nil {
			return e, err
		}
	}
	return nil, fmt.Errorf("%s is no optimizer: neither an ONNX file nor a program", path)
}

// named opens a path under the name of its file.
func named(s Source, path string) (*Entry, error) {
	e, err := s.Find(path)
	if e == nil || err != nil {
		return nil, err
	}
	short := *e
	short.Name = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	return &short, nil
}
