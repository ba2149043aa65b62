package checkpoint

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// diskWithPower keeps in memory what a save does to a disk, operation by operation, so that the power can fail after each.
// What was not flushed is then lost, or partly there: contents that were not synced, and names in folders that were not.
type diskWithPower struct {
	Disk  // of which only the free space is asked for
	now   tree
	safe  tree // what a power failure leaves for certain
	after func(d *diskWithPower)
}

// tree is files by path, and folders as nil.
type tree map[string]*[]byte

func (d *diskWithPower) done() { d.after(d) }

func (d *diskWithPower) MkdirAll(p string) error {
	if _, ok := d.now[p]; !ok {
		d.now[p] = nil
		d.done()
	}
	return nil
}

func (d *diskWithPower) Create(p string) (File, error) {
	if _, ok := d.now[p]; ok {
		return nil, fs.ErrExist
	}
	f := &poweredFile{d: d, content: new([]byte)}
	d.now[p] = f.content
	d.done()
	return f, nil
}

func (d *diskWithPower) Rename(from, to string) error {
	if _, ok := d.now[to]; ok {
		return fs.ErrExist
	}
	d.now.move(from, to)
	d.done()
	return nil
}

func (d *diskWithPower) RemoveAll(p string) error {
	d.now.remove(p)
	d.done()
	return nil
}

// SyncDir makes the names in a folder permanent, and of what was removed or renamed, that it is gone. The contents of a file
// are those that were synced.
func (d *diskWithPower) SyncDir(dir string) error {
	for p := range d.safe {
		if path.Dir(p) == dir {
			if _, ok := d.now[p]; !ok {
				d.safe.remove(p)
			}
		}
	}
	for p, content := range d.now {
		if path.Dir(p) != dir {
			continue
		}
		d.safe[p] = content
		if content == nil { // a folder that was renamed brings along what was permanent in it under its old name
			for old, c := range d.permanent(p) {
				d.safe[old] = c
			}
		}
	}
	d.done()
	return nil
}

// permanent are the names in a folder that were synced when it was still called otherwise.
func (d *diskWithPower) permanent(dir string) tree {
	list := tree{}
	for p, c := range d.now {
		if path.Dir(p) == dir && c != nil && d.synced(c) {
			list[p] = c
		}
	}
	return list
}

// synced reports whether a file's name was made permanent by a sync of the folder that it was in.
func (d *diskWithPower) synced(content *[]byte) bool {
	for _, c := range d.safe {
		if c == content {
			return true
		}
	}
	return false
}

func (t tree) move(from, to string) {
	for p, c := range maps.Clone(t) {
		if p == from || strings.HasPrefix(p, from+"/") {
			delete(t, p)
			t[to+strings.TrimPrefix(p, from)] = c
		}
	}
}

func (t tree) remove(p string) {
	maps.DeleteFunc(t, func(q string, _ *[]byte) bool { return q == p || strings.HasPrefix(q, p+"/") })
}

type poweredFile struct {
	d       *diskWithPower
	content *[]byte
	pending []byte
}

func (f *poweredFile) Write(b []byte) (int, error) {
	f.pending = append(f.pending, b...)
	f.d.done()
	return len(b), nil
}

func (f *poweredFile) Sync() error {
	*f.content = append(*f.content, f.pending...)
	f.pending = nil
	f.d.done()
	return nil
}

func (f *poweredFile) Close() error {
	if len(f.pending) > 0 {
		return errors.New("closed without a sync")
	}
	return nil
}

// write puts a tree onto the real disk, below dir instead of root.
func (t tree) write(tb testing.TB, root, dir string) {
	tb.Helper()
	for _, p := range slices.Sorted(maps.Keys(t)) {
		to := filepath.Join(dir, strings.TrimPrefix(p, root))
		var err error
		if t[p] == nil {
			err = os.MkdirAll(to, 0o777)
		} else if err = os.MkdirAll(filepath.Dir(to), 0o777); err == nil {
			err = os.WriteFile(to, *t[p], 0o666)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
}

// mixedWith is what may be left: what is certain, or names that reached the disk without having been flushed, those of before
// and those of after. Contents are those that were synced.
func (t tree) mixedWith(now tree) []tree {
	names := maps.Clone(now) // all names are there, and the contents that were synced
	both := maps.Clone(t)    // nothing that was removed is gone yet, and all that is new is there
	maps.Copy(both, now)
	return []tree{t, names, both}
}

// TestPowerFails cuts the power after every operation of a save: a whole checkpoint is left, the new one once Save has returned,
// whatever part of what was not flushed has reached the disk.
func TestPowerFails(t *testing.T) {
	for _, step := range []int{20, 10} { // a new one, and one that is there already
		for operations := 0; ; operations++ {
			root := filepath.Join(t.TempDir(), "run", "checkpoints")
			save(t, &Store{Dir: root, Keep: 2}, 5, 10) // of which the older one is pruned
			start := readTree(t, root)
			d := &diskWithPower{now: maps.Clone(start), safe: maps.Clone(start)}
			left, cut := operations, []tree(nil)
			d.after = func(d *diskWithPower) {
				if left--; left == -1 {
					for _, x := range d.safe.mixedWith(d.now) {
						cut = append(cut, x.clone())
					}
				}
			}
			s := &Store{Dir: root, Keep: 1, FS: d}
			_, err := s.Save(at(step))
			if err != nil {
				t.Fatal(err)
			}
			returned := left >= 0
			if returned {
				cut = d.safe.mixedWith(d.now)
			}
			for i, x := range cut {
				dir := filepath.Join(t.TempDir(), "checkpoints")
				x.write(t, root, dir)
				c, bad := (&Store{Dir: dir}).Newest()
				if c == nil {
					t.Fatalf("step %d, power off after operation %d, case %d: no checkpoint is left of %v: %v", step, operations, i, slices.Sorted(maps.Keys(x)), bad)
				}
				check(t, c)
				if c.State.Step < 10 {
					t.Errorf("step %d, power off after operation %d, case %d: step %d is left, 10 was there", step, operations, i, c.State.Step)
				}
				if returned && c.State.Step != step {
					t.Errorf("step %d was said to be saved, and %d is left", step, c.State.Step)
				}
			}
			if returned {
				if operations < 20 {
					t.Errorf("only %d operations", operations)
				}
				break
			}
		}
	}
}

func (t tree) clone() tree {
	c := tree{}
	for p, b := range t {
		if b == nil {
			c[p] = nil
			continue
		}
		x := bytes.Clone(*b)
		c[p] = &x
	}
	return c
}

func readTree(t *testing.T, root string) tree {
	t.Helper()
	x := tree{}
	err := filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			x[p] = nil
			return err
		}
		b, err := os.ReadFile(p)
		x[p] = &b
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return x
}
