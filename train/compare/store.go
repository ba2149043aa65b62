package compare

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"github.com/onnxtrain/onnxtrain/train"
)

// store is the directory of a study: study.yaml, a file for each finished trial in trials, and the reports. Runs in
// progress lie in work.
type store struct{ dir string }

// openStore makes the directory, or opens it to go on, if it is the same study's.
func openStore(s *Study) (*store, error) {
	d := &store{s.Out}
	text, err := s.fingerprint()
	if err != nil {
		return nil, err
	}
	there, err := os.ReadFile(d.path("study.yaml"))
	switch {
	case err == nil && !bytes.Equal(there, text) && !s.Overwrite:
		return nil, usage("--out %s holds another comparison: %s; choose another folder, or add --overwrite to start anew",
			s.Out, difference(there, text))
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, usage("--out: %w", err)
	case err != nil && !s.Overwrite:
		for _, name := range []string{"metrics.jsonl", "trials"} {
			if _, err := os.Stat(d.path(name)); err == nil {
				return nil, usage("--out %s holds something else (%s); choose another folder", s.Out, name)
			}
		}
	}
	if s.Overwrite {
		if err := os.RemoveAll(d.path("trials")); err != nil {
			return nil, d.unwritable(err)
		}
	}
	// What a killed study left of its runs in progress is of no use.
	if err := os.RemoveAll(d.path("work")); err != nil {
		return nil, d.unwritable(err)
	}
	if err := os.MkdirAll(d.path("trials"), 0o777); err != nil {
		return nil, usage("--out: %w; choose a folder that can be written", err)
	}
	return d, d.write("study.yaml", text)
}

func (d *store) path(name ...string) string {
	return filepath.Join(append([]string{d.dir}, name...)...)
}

// write replaces a file whole or not at all.
func (d *store) write(name string, text []byte) error {
	return d.unwritable(renameio.WriteFile(d.path(name), text, 0o666))
}

func (d *store) unwritable(err error) error {
	if err == nil {
		return nil
	}
	return failure(train.Resources, err)
}

// load fills in a trial that was run before and reports whether it was.
func (d *store) load(t *Trial) (bool, error) {
	file := d.path("trials", t.file())
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, usage("--out: %w", err)
	}
	found := Trial{contender: t.contender}
	if err := json.Unmarshal(b, &found); err != nil {
		return false, usage("%s is damaged: %v; delete it and the trial is run again", file, err)
	}
	if !found.same(t) {
		return false, usage("%s is of %s with seed %d, where %s with seed %d is due; delete it and the trial is run again",
			file, found.Opt, found.Seed, t.Opt, t.Seed)
	}
	*t = found
	return true, nil
}

// save writes a finished trial's record.
func (d *store) save(t *Trial) error {
	b, err := json.Marshal(t)
	if err != nil {
		return failure(train.Internal, err)
	}
	return d.write(filepath.Join("trials", t.file()), append(b, '\n'))
}
