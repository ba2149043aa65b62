package onnxload

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/renameio/v2"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// Weights are what Save writes into a model.
type Weights struct {
	// Tensors gives new elements to values by name: to initializers, Constant nodes, and Identities of initializers, each
	// of which passes make a weight of its own. They are rounded to the element type of the file.
	Tensors map[string]*tensor.Tensor
	// Tied says that an Identity without an entry follows its initializer (pass.Options.Tie); otherwise its output keeps
	// what it has in the file.
	Tied bool
	// Metadata is added to metadata_props and replaces entries of the same key.
	Metadata map[string]string
	// Overwrite allows to replace a file.
	Overwrite bool
}

// ErrVerify is wrapped when a written file, read again, differs from what was to be written.
var ErrVerify = errors.New("the written file differs from what was to be written")

// CheckWeights reports names that Save could not store, so that a training run can refuse them before it begins.
func (m *Model) CheckWeights(names []string) error {
	err := m.checkWeights(names)
	if err != nil {
		return fmt.Errorf("%s: %w", m.Path, err)
	}
	return nil
}

func (m *Model) checkWeights(names []string) error {
	sites := m.sites(m.flat)
	for _, name := range names {
		if _, ok := sites[name]; !ok {
			return unknownWeights([]string{name})
		}
	}
	// Training an initializer also writes the Identities that are split off from it.
	touched := plan{}
	for name := range sites {
		root := name
		for sites[root].split {
			root = sites[root].source
		}
		if slices.Contains(names, name) || slices.Contains(names, root) {
			touched[name] = nil
		}
	}
	d, err := m.draft(m.inFunction(touched))
	if err != nil {
		return err
	}
	return d.embed()
}

// Save writes the model with new weights and running statistics to path, in inference form; names, opset, documentation
// and unknown fields stay. External data goes into the file, or where that would pass 2 GiB to FILE.data beside it. The
// file appears under its name only when it is complete, on disk, and has been read again and compared.
func (m *Model) Save(path string, w Weights) error {
	return m.save(path, w, saver{limit: embedLimit})
}

// saver is what tests change about saving.
type saver struct {
	limit   int                    // of the model file in bytes
	written func(temporary string) // sees the file before it is read again
}

func (m *Model) save(path string, w Weights, s saver) error {
	if err := vacant(path, w.Overwrite); err != nil {
		return err
	}
	d, err := m.written(w)
	if err != nil {
		return fmt.Errorf("%s: %w", m.Path, err)
	}
	if err := s.write(path, d, w); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// vacant refuses to replace a file without permission, and ever to replace what is not a file.
func vacant(path string, overwrite bool) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("%s is a folder", path)
	case !overwrite:
		return fmt.Errorf("%s exists already", path)
	}
	return nil
}

// written is the model to write, without external data.
func (m *Model) written(w Weights) (*draft, error) {
	p, unknown, err := m.plan(m.flat, w)
	if err != nil {
		return nil, err
	}
	if unknown != nil {
		return nil, unknownWeights(unknown)
	}
	d, err := m.draft(m.inFunction(p))
	if err != nil {
		return nil, err
	}
	d.place(p)
	if err := d.inference(); err != nil {
		return nil, err
	}
	d.describe(w.Metadata)
	return d, d.embed()
}

// inFunction reports whether the plan changes something that only exists inside of a function.
func (m *Model) inFunction(p plan) bool {
	if len(m.proto.Functions) == 0 {
		return false
	}
	visible := m.sites(m.proto.Graph)
	for name := range p {
		if _, ok := visible[name]; !ok {
			return true
		}
	}
	return false
}

func unknownWeights(names []string) error {
	if len(names) == 1 {
		return fmt.Errorf("the model stores no weight %q", names[0])
	}
	return fmt.Errorf("the model stores no weight %q, nor %d others", names[0], len(names)-1)
}

// write puts the draft into a temporary file, compares what is read from it, and gives it its name.
func (s saver) write(path string, d *draft, w Weights) (err error) {
	superseded := dataFiles(path)
	if d.proto.Size() > s.limit {
		var data string
		if data, err = d.writeExternal(path); err != nil {
			return err
		}
		defer func() {
			if err != nil {
				os.Remove(data)
			}
		}()
		if size := d.proto.Size(); size > s.limit {
			return fmt.Errorf("%d bytes are left without the initializers, which is more than a file can have", size)
		}
	}
	b, err := d.proto.Marshal()
	if err != nil {
		return err
	}
	f, err := renameio.NewPendingFile(path, renameio.WithTempDir(filepath.Dir(path)), renameio.WithPermissions(0o666))
	if err != nil {
		return err
	}
	defer f.Cleanup()
	if _, err := f.Write(b); err != nil {
		return err
	}
	if s.written != nil {
		s.written(f.Name())
	}
	if err := d.verify(f.Name(), b, w); err != nil {
		return fmt.Errorf("%w: %w", ErrVerify, err)
	}
	if err := vacant(path, w.Overwrite); err != nil {
		return err
	}
	if err := f.CloseAtomicallyReplace(); err != nil {
		return err
	}
	d.removeData(path, superseded)
	return nil
}
