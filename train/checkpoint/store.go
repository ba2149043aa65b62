// Package checkpoint keeps the state of training runs in folders that are whole or not there, and reads and writes
// safetensors files.
package checkpoint

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// Checkpoint is the state of a run between two updates.
type Checkpoint struct {
	State     State
	Weights   []Named // parameters and running statistics
	Optimizer []Named // slots, by the names of registry.NamedSlot
	Config    []byte  // config.yaml
}

// The files of a checkpoint.
const (
	stateFile     = "state.json"
	configFile    = "config.yaml"
	weightsFile   = "weights.safetensors"
	optimizerFile = "optimizer.safetensors"
)

var files = []string{stateFile, configFile, weightsFile, optimizerFile}

func (c *Checkpoint) contents() ([]content, error) {
	state, err := c.State.encode()
	if err != nil {
		return nil, err
	}
	return []content{text(stateFile, state), text(configFile, c.Config),
		tensors(weightsFile, c.Weights, nil), tensors(optimizerFile, c.Optimizer, nil)}, nil
}

// Store is a folder of checkpoints, RUN/checkpoints, each called step-00000500.
type Store struct {
	Dir  string
	Keep int // checkpoints to leave after a save, at least 1
	FS   FS  // nil: the disk
}

func (s *Store) fs() FS {
	if s.FS == nil {
		return Disk{}
	}
	return s.FS
}

// Path is where the checkpoint of a step lies.
func (s *Store) Path(step int) string { return filepath.Join(s.Dir, fmt.Sprintf("step-%08d", step)) }

// Save writes a checkpoint and then removes old ones, and those of later steps, whose future was given up. An error
// leaves the checkpoints that were there; when only removing went wrong the path is returned with the error.
func (s *Store) Save(c *Checkpoint) (path string, err error) {
	list, err := c.contents()
	if err != nil {
		return "", err
	}
	path = s.Path(c.State.Step)
	if err := writeFolder(s.fs(), path, list); err != nil {
		return "", err
	}
	if err := s.prune(c.State.Step); err != nil {
		return path, fmt.Errorf("old checkpoints stay: %w", err)
	}
	return path, nil
}

// prune removes what Save leaves no use for. A folder first loses its name, so that none is found half removed.
func (s *Store) prune(step int) error {
	entries, err := os.ReadDir(s.Dir)
	if err != nil {
		return err
	}
	left := max(s.Keep, 1)
	var errs []error
	for _, e := range slices.Backward(entries) { // names sort as steps do
		at, suffix, ok := parse(e.Name())
		if !ok {
			continue
		}
		if suffix == "" && at <= step && left > 0 {
			left--
			continue
		}
		path := filepath.Join(s.Dir, e.Name())
		if suffix == "" {
			tmp := path + temporary
			if err := errors.Join(s.fs().RemoveAll(tmp), s.fs().Rename(path, tmp)); err != nil {
				errs = append(errs, err)
				continue
			}
			path = tmp
		}
		errs = append(errs, s.fs().RemoveAll(path))
	}
	return errors.Join(errs...)
}

// parse takes the name of a checkpoint's folder apart.
func parse(name string) (step int, suffix string, ok bool) {
	digits, ok := strings.CutPrefix(name, "step-")
	if !ok {
		return 0, "", false
	}
	for _, s := range []string{temporary, replaced} {
		if rest, found := strings.CutSuffix(digits, s); found {
			digits, suffix = rest, s
		}
	}
	step, err := strconv.Atoi(digits)
	return step, suffix, err == nil && step >= 0 && len(digits) >= 8
}

// list is the paths of checkpoints, newest first, whole or not.
func (s *Store) list() ([]string, error) {
	entries, err := os.ReadDir(s.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	type found struct {
		step int
		path string
	}
	var all []found
	for _, e := range entries { // step-N comes before step-N.old
		if step, suffix, ok := parse(e.Name()); ok && suffix != temporary {
			all = append(all, found{step, filepath.Join(s.Dir, e.Name())})
		}
	}
	slices.SortStableFunc(all, func(a, b found) int { return cmp.Compare(b.step, a.step) })
	var paths []string
	for _, f := range all {
		paths = append(paths, f.path)
	}
	return paths, nil
}

// Newest opens the newest checkpoint that is whole; nil when there is none. The errors say what is wrong with those
// that were passed over.
func (s *Store) Newest() (*Saved, []error) {
	paths, err := s.list()
	if err != nil {
		return nil, []error{err}
	}
	var bad []error
	for _, path := range paths {
		c, err := Open(path)
		if err == nil {
			return c, bad
		}
		bad = append(bad, err)
	}
	return nil, bad
}

// Saved is a checkpoint on disk whose checksums were found right.
type Saved struct {
	Path   string
	State  State
	Config []byte
}

// Open verifies a checkpoint and reads what is small of it.
func Open(path string) (*Saved, error) {
	if err := verifyFolder(path, files); err != nil {
		return nil, err
	}
	return read(path)
}

func read(path string) (*Saved, error) {
	c := &Saved{Path: path}
	b, err := readSmall(filepath.Join(path, stateFile))
	if err != nil {
		return nil, err
	}
	if c.State, err = decodeState(b); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(path, stateFile), err)
	}
	c.Config, err = readSmall(filepath.Join(path, configFile))
	return c, err
}

// Load reads weights and optimizer state into the tensors given, which must be those of the checkpoint, no more and no
// fewer.
func (c *Saved) Load(weights, optimizer []Named) error {
	if err := readInto(filepath.Join(c.Path, weightsFile), weights); err != nil {
		return err
	}
	return readInto(filepath.Join(c.Path, optimizerFile), optimizer)
}

// ReadFile reads the tensors of a safetensors file. See ReadTensors.
func ReadFile(path string, into Into) (map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	meta, err := ReadTensors(f, info.Size(), into)
	if err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return meta, err
}

// readInto fills the tensors of a file, every one of which must be wanted.
func readInto(path string, list []Named) error {
	left := make(map[string]*tensor.Tensor, len(list))
	for _, n := range list {
		left[n.Name] = n.Tensor
	}
	_, err := ReadFile(path, func(name string, _ tensor.DType, _ tensor.Shape) (*tensor.Tensor, error) {
		t := left[name]
		if t == nil {
			return nil, errors.New("this run has none of that name")
		}
		delete(left, name)
		return t, nil
	})
	if err != nil {
		return err
	}
	for _, n := range list {
		if left[n.Name] != nil {
			return fmt.Errorf("%s holds no tensor %q", path, n.Name)
		}
	}
	return nil
}
