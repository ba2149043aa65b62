package checkpoint

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// at is the checkpoint of a step, with other numbers than those of any other step.
func at(step int) *Checkpoint {
	w := tensor.New(tensor.Float32, 4, 5)
	for i := range w.F32() {
		w.F32()[i] = float32(step*100 + i)
	}
	m := w.Clone()
	m.F32()[0] = -1
	return &Checkpoint{State: State{Step: step, Model: "m", Optimizer: "o", Updates: []Count{{"w", step}}},
		Weights: []Named{{"w", w}}, Optimizer: []Named{{"w/m", m}}, Config: fmt.Appendf(nil, "steps: %d\n", step)}
}

// check compares a saved checkpoint with what was saved at its step.
func check(t *testing.T, c *Saved) {
	t.Helper()
	want, have := at(c.State.Step), at(0)
	if err := c.Load(have.Weights, have.Optimizer); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have.Weights[0].Tensor.Data, want.Weights[0].Tensor.Data) || !bytes.Equal(have.Optimizer[0].Tensor.Data, want.Optimizer[0].Tensor.Data) ||
		!bytes.Equal(c.Config, want.Config) || c.State.Updates[0].N != c.State.Step {
		t.Errorf("the checkpoint of step %d came back changed", c.State.Step)
	}
}

func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return strings.Join(list, " ")
}

func save(t *testing.T, s *Store, steps ...int) {
	t.Helper()
	for _, step := range steps {
		if _, err := s.Save(at(step)); err != nil {
			t.Fatal(err)
		}
	}
}

func newest(t *testing.T, s *Store) (*Saved, []error) {
	t.Helper()
	c, bad := s.Newest()
	if c == nil {
		t.Fatalf("no checkpoint is left: %v", bad)
	}
	check(t, c)
	return c, bad
}

func TestSaveAndPrune(t *testing.T) {
	s := &Store{Dir: filepath.Join(t.TempDir(), "run", "checkpoints"), Keep: 2}
	if c, bad := s.Newest(); c != nil || bad != nil {
		t.Errorf("a checkpoint where there is none: %v, %v", c, bad)
	}
	save(t, s, 1, 2, 10, 100000000)
	if have := names(t, s.Dir); have != "step-00000010 step-100000000" {
		t.Errorf("folders %s", have)
	}
	if c, _ := newest(t, s); c.State.Step != 100000000 {
		t.Errorf("newest is step %d", c.State.Step)
	}
	// Going on from step 10 gives the future of before up.
	save(t, s, 10, 12)
	if have := names(t, s.Dir); have != "step-00000010 step-00000012" {
		t.Errorf("folders %s", have)
	}
}

// faults fails one operation and, being full, all that follow and take space.
type faults struct {
	Disk
	left  int
	short bool // a write does half before it fails
	full  bool
	err   error
}

func (f *faults) fail(space bool) error {
	if f.left--; f.left == -1 || f.full && space && f.left < 0 {
		return f.err
	}
	return nil
}

func (f *faults) MkdirAll(path string) error {
	if err := f.fail(true); err != nil {
		return err
	}
	return f.Disk.MkdirAll(path)
}

func (f *faults) Rename(from, to string) error {
	if err := f.fail(true); err != nil {
		return err
	}
	return f.Disk.Rename(from, to)
}

func (f *faults) RemoveAll(path string) error {
	if err := f.fail(false); err != nil {
		return err
	}
	return f.Disk.RemoveAll(path)
}

func (f *faults) SyncDir(path string) error {
	return f.fail(false) // flushing takes time and shows nothing here
}

func (f *faults) Free(path string) (int64, error) {
	if err := f.fail(false); err != nil {
		return 0, err
	}
	return f.Disk.Free(path)
}

func (f *faults) Create(path string) (File, error) {
	if err := f.fail(true); err != nil {
		return nil, err
	}
	file, err := f.Disk.Create(path)
	return &faultyFile{file, f}, err
}

type faultyFile struct {
	File
	f *faults
}

func (w *faultyFile) Write(b []byte) (int, error) {
	if err := w.f.fail(true); err != nil {
		n := 0
		if w.f.short {
			n, _ = w.File.Write(b[:len(b)/2])
		}
		return n, err
	}
	return w.File.Write(b)
}

func (w *faultyFile) Sync() error {
	return w.f.fail(true)
}

func (w *faultyFile) Close() error {
	err := w.f.fail(false)
	return errors.Join(err, w.File.Close())
}

// TestEveryOperationFails fails each operation of a save in turn, of a new step and of one that is there already. A whole
// checkpoint is left every time, and the next save repairs what is left over.
func TestEveryOperationFails(t *testing.T) {
	for _, step := range []int{20, 10} {
		for _, f := range []faults{{err: syscall.EIO}, {err: syscall.ENOSPC, full: true}, {err: syscall.EIO, short: true}, {err: syscall.EDQUOT, full: true, short: true}} {
			operations := 0
			for ; ; operations++ {
				s := &Store{Dir: filepath.Join(t.TempDir(), "checkpoints"), Keep: 1, FS: &faults{left: math.MaxInt}}
				save(t, s, 10)
				failing := f
				failing.left = operations
				s.FS = &failing
				path, err := s.Save(at(step))
				if failing.left >= 0 {
					if err != nil {
						t.Fatal(err)
					}
					break
				}
				if err == nil {
					t.Errorf("step %d, operation %d: %v was not reported", step, operations, f.err)
				}
				c, bad := newest(t, s)
				if len(bad) > 0 {
					t.Errorf("step %d, operation %d: passed over %v", step, operations, bad)
				}
				if path != "" && c.State.Step != step {
					t.Errorf("step %d, operation %d: said to be saved and not there", step, operations)
				}
				s.FS = &faults{left: math.MaxInt}
				save(t, s, 30)
				if have := names(t, s.Dir); have != "step-00000030" {
					t.Errorf("step %d, operation %d: the next save leaves %s", step, operations, have)
				}
			}
			if operations < 20 {
				t.Errorf("only %d operations", operations)
			}
		}
	}
}

type small struct{ Disk }

func (small) Free(string) (int64, error) { return 1 << 20, nil }

func TestFreeSpaceIsCheckedFirst(t *testing.T) {
	s := &Store{Dir: filepath.Join(t.TempDir(), "checkpoints"), FS: small{}}
	if _, err := s.Save(at(1)); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "free") {
		t.Errorf("error %v", err)
	}
	if have := names(t, s.Dir); have != "" {
		t.Errorf("%s was written", have)
	}
}

var mutations = flag.Int("checkpoint.mutations", 1000, "changes that TestEveryMutationIsDetected makes, about")

// TestEveryMutationIsDetected flips bits, cuts, adds and removes in every file of a checkpoint: it is never used, the one
// before it is.
func TestEveryMutationIsDetected(t *testing.T) {
	s := &Store{Dir: filepath.Join(t.TempDir(), "checkpoints"), Keep: 2}
	save(t, s, 10, 20)
	dir := s.Path(20)
	const seed = 7
	r := rand.New(rand.NewPCG(seed, 0))
	all := append(slices.Clone(files), marker)
	times, made := *mutations/len(all)/2, 0
	for _, name := range all {
		file := filepath.Join(dir, name)
		whole, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		mutate := func(what string, b []byte) {
			t.Helper()
			if b == nil {
				err = os.Remove(file)
			} else {
				err = os.WriteFile(file, b, 0o666)
			}
			if err != nil {
				t.Fatal(err)
			}
			made++
			if c, bad := s.Newest(); c == nil || c.State.Step != 10 || len(bad) != 1 {
				t.Errorf("%s: %s is not detected: %v", name, what, bad)
			}
		}
		mutate("removal", nil)
		mutate("emptiness", []byte{})
		mutate("an added byte", append(slices.Clone(whole), '\n'))
		for range times {
			b := slices.Clone(whole)
			at, bit := r.IntN(len(b)), r.IntN(8)
			b[at] ^= 1 << bit
			mutate(fmt.Sprintf("bit %d of byte %d", bit, at), b)
			mutate(fmt.Sprintf("the end at %d", at), whole[:at])
		}
		if err := os.WriteFile(file, whole, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if c, bad := newest(t, s); c.State.Step != 20 || bad != nil {
		t.Errorf("newest is %d, %v", c.State.Step, bad)
	}
	t.Logf("%d mutations", made)
}

// TestMixedCheckpoints puts files of one checkpoint into another, where each is whole in itself.
func TestMixedCheckpoints(t *testing.T) {
	s := &Store{Dir: filepath.Join(t.TempDir(), "checkpoints"), Keep: 2}
	save(t, s, 10, 20)
	for _, name := range append(slices.Clone(files), marker) {
		whole, err := os.ReadFile(filepath.Join(s.Path(20), name))
		if err != nil {
			t.Fatal(err)
		}
		other, err := os.ReadFile(filepath.Join(s.Path(10), name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(s.Path(20), name), other, 0o666); err != nil {
			t.Fatal(err)
		}
		if c, bad := s.Newest(); c == nil || c.State.Step != 10 || len(bad) != 1 {
			t.Errorf("%s of step 10 in step 20 is not detected: %v", name, bad)
		}
		if err := os.WriteFile(filepath.Join(s.Path(20), name), whole, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWhatACheckpointHolds refuses one whose checksums are right and whose contents do not fit.
func TestWhatACheckpointHolds(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Checkpoint)
		want   string
	}{
		{"another shape", func(c *Checkpoint) { c.Weights[0].Tensor = tensor.New(tensor.Float32, 5, 4) }, "[5,4]"},
		{"another type", func(c *Checkpoint) { c.Weights[0].Tensor = tensor.New(tensor.Float64, 4, 5) }, "float64"},
		{"another name", func(c *Checkpoint) { c.Weights[0].Name = "v" }, `"v"`},
		{"a tensor too few", func(c *Checkpoint) { c.Optimizer = nil }, `"w/m"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &Store{Dir: t.TempDir()}
			k := at(1)
			c.change(k)
			if _, err := s.Save(k); err != nil {
				t.Fatal(err)
			}
			saved, bad := s.Newest()
			if saved == nil {
				t.Fatal(bad)
			}
			have := at(0)
			if err := saved.Load(have.Weights, have.Optimizer); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one that mentions %s", err, c.want)
			}
		})
	}
}

func TestStatesOfOtherFormats(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`{"format":2,"anything":1}`, "format 2"},
		{`{}`, "format 0"},
		{`{"format":1,"stepp":1}`, "stepp"},
		{`{"format":1,"step":-1}`, "negative"},
		{`{"format":1} {}`, "after top-level"},
	} {
		if _, err := decodeState([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one that mentions %q", c.text, err, c.want)
		}
	}
}

func TestIncidentComesBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "post-mortem")
	batch := func(v float32) []*tensor.Tensor {
		return []*tensor.Tensor{tensor.Of(tensor.Shape{2, 1}, v, v+1), tensor.Vector[int64](3, 4)}
	}
	for range 2 { // the second replaces the first
		in := &Incident{Checkpoint: *at(5), Batches: [][]*tensor.Tensor{batch(1), batch(7)}, Fields: []string{"x", "label"}, Description: []byte("text")}
		if err := SaveIncident(nil, dir, in); err != nil {
			t.Fatal(err)
		}
	}
	saved, in, err := OpenIncident(dir)
	if err != nil {
		t.Fatal(err)
	}
	check(t, saved)
	if len(in.Batches) != 2 || in.Batches[1][0].F32()[1] != 8 || in.Batches[0][1].I64()[0] != 3 || in.Fields[1] != "label" || string(in.Description) != "text" {
		t.Errorf("%+v", in)
	}
	if have := names(t, filepath.Dir(dir)); have != "post-mortem" {
		t.Errorf("left over: %s", have)
	}
}

func FuzzState(f *testing.F) {
	b, err := at(3).State.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"format":1,"best":{"step":1},"pending":{"step":2}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := decodeState(b)
		if err != nil {
			return
		}
		b, err = s.encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decodeState(b); err != nil {
			t.Errorf("what was written cannot be read: %v\n%s", err, b)
		}
	})
}
