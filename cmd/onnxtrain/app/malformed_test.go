//go:build linux

package app

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/internal/mutate"
)

var (
	malformedModels = flag.Int("malformed.models", 60, "malformed models that TestMalformedModels gives to the program")
	malformedData   = flag.Int("malformed.data", 60, "malformed files that TestMalformedData gives to the program")
	malformedFrom   = flag.Uint64("malformed.from", 0, "the first case")
	malformedKeep   = flag.String("malformed.keep", "", "`folder` for the files of cases that fail, and of those that end with exit code 0 or 5")
)

// What a process may take for a file. Other work on the machine makes a wall clock useless, so time is that of the processor.
const (
	malformedSpare = 64 << 20
	malformedCPU   = 2 * time.Second
)

// outcome is how the program took a file.
type outcome struct {
	code int
	peak int64
	cpu  time.Duration
	said string
}

// tally sums outcomes up.
type tally struct {
	sync.Mutex
	codes  map[int]int
	worst  map[string]outcome // by peak and cpu
	excess int64              // of memory, the most above twice the file
}

func (y *tally) add(o outcome, size int64) {
	y.Lock()
	defer y.Unlock()
	y.codes[o.code]++
	if o.peak > y.worst["peak"].peak {
		y.worst["peak"] = o
	}
	if o.cpu > y.worst["cpu"].cpu {
		y.worst["cpu"] = o
	}
	y.excess = max(y.excess, o.peak-2*size)
}

func (y *tally) String() string {
	var text []string
	for _, code := range slices.Sorted(maps.Keys(y.codes)) {
		text = append(text, fmt.Sprintf("exit %d: %d", code, y.codes[code]))
	}
	return fmt.Sprintf("%s; resident at most %.1f MiB, and %.1f MiB above twice the file; processor time at most %v", strings.Join(text, ", "),
		float64(y.worst["peak"].peak)/(1<<20), float64(y.excess)/(1<<20), y.worst["cpu"].cpu.Round(time.Millisecond))
}

var peakSaid = regexp.MustCompile(`resident memory: peak=([0-9]+)`)

// take runs the program, which says itself what it took: the kernel's number for a child counts its parent in.
func take(t *testing.T, args ...string) outcome {
	c := exec.Command(program(t), append(args, "--log-level", "debug")...)
	var said bytes.Buffer
	c.Stdout, c.Stderr = io.Discard, &said
	if err := c.Start(); err != nil {
		t.Error(err)
		return outcome{}
	}
	timer := time.AfterFunc(2*time.Minute, func() { c.Process.Kill() })
	c.Wait()
	timer.Stop()
	o := outcome{code: c.ProcessState.ExitCode(), cpu: c.ProcessState.UserTime() + c.ProcessState.SystemTime(), said: said.String()}
	if s := c.ProcessState.Sys().(syscall.WaitStatus); s.Signaled() {
		o.code = -int(s.Signal())
	}
	if m := peakSaid.FindStringSubmatch(o.said); m != nil {
		o.peak, _ = strconv.ParseInt(m[1], 10, 64)
	}
	return o
}

// wrong is what about an outcome must not be; "" for nothing.
func (o outcome) wrong(size int64, allowed []int) string {
	switch {
	case strings.Contains(o.said, "panic") || strings.Contains(o.said, "fatal error") || strings.Contains(o.said, "goroutine "):
		return "it panics"
	case !slices.Contains(allowed, o.code):
		return fmt.Sprintf("exit code %d", o.code)
	case o.peak == 0 && o.code != 2: // which is said before anything is done
		return "it does not say what it took"
	case o.peak > 2*size+malformedSpare:
		return fmt.Sprintf("%d MiB for a file of %d bytes", o.peak>>20, size)
	case o.cpu > malformedCPU:
		return fmt.Sprintf("%v", o.cpu)
	}
	return ""
}

// each runs the cases on all processors. A case makes its file and returns how the program took it.
func each(t *testing.T, n int, allowed []int, one func(dir string, i uint64) (path string, o outcome)) {
	t.Helper()
	program(t)
	y := &tally{codes: map[int]int{}, worst: map[string]outcome{}}
	cases := make(chan uint64)
	var workers sync.WaitGroup
	for range runtime.NumCPU() {
		dir := t.TempDir()
		workers.Go(func() {
			for i := range cases {
				path, o := one(dir, i)
				size := sizeOf(path)
				y.add(o, size)
				what := o.wrong(size, allowed)
				if what != "" {
					t.Errorf("case %d (-malformed.from %d): %s\n%s", i, i, what, o.said)
				}
				if what != "" || o.code == 0 || o.code == 5 {
					keepFiles(t, path, i, o.code)
				}
			}
		})
	}
	for i := range uint64(n) {
		cases <- *malformedFrom + i
	}
	close(cases)
	workers.Wait()
	t.Logf("%d cases: %v", n, y)
}

func sizeOf(path string) int64 {
	n := int64(0)
	filepath.WalkDir(path, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			if info, err := e.Info(); err == nil {
				n += info.Size()
			}
		}
		return nil
	})
	return n
}

func keepFiles(t *testing.T, path string, i uint64, code int) {
	if *malformedKeep == "" {
		return
	}
	to := filepath.Join(*malformedKeep, fmt.Sprintf("%s-%d-exit-%d", t.Name(), i, code))
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		err = os.CopyFS(to, os.DirFS(path))
	} else if err == nil {
		err = os.MkdirAll(*malformedKeep, 0o777)
		if b, failed := os.ReadFile(path); err == nil && failed == nil {
			err = os.WriteFile(to, b, 0o666)
		}
	}
	if err != nil {
		t.Error(err)
	}
}

// seedModels are the models to change: those of the repository that are small, and those of ONNX's test suite where it is there.
func seedModels(t *testing.T) [][]byte {
	t.Helper()
	const largest = 256 << 10
	var all [][]byte
	for _, dir := range []string{"testdata", "models", "train/testdata"} {
		err := filepath.WalkDir(filepath.Join("..", "..", "..", dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".onnx" {
				return err
			}
			b, err := os.ReadFile(path)
			if len(b) <= largest {
				all = append(all, b)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(all) < 100 {
		t.Fatalf("%d models", len(all))
	}
	f, err := os.Open(filepath.Join("..", "..", "..", "..", "shared", "conformance", "onnx-backend-tests.tar.gz"))
	if errors.Is(err, fs.ErrNotExist) {
		return all
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Base(h.Name) != "model.onnx" || h.Size > largest {
			continue
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
}

// TestMalformedModels gives the program models that are cut off at borders of fields and elsewhere, with lengths and numbers
// that are too large, flipped bits, fields left out, exchanged and repeated, names that mean other values, other shapes and
// types, and deep nesting, each in a process of its own that takes a training step if it can. In full: -malformed.models 20000.
func TestMalformedModels(t *testing.T) {
	seeds := seedModels(t)
	var operators []string
	for _, d := range op.All() {
		operators = append(operators, d.Type)
	}
	kinds := []func([]byte, *rand.Rand) []byte{
		mutate.Cut, mutate.Inflate, mutate.Bytes, mutate.Nest,
		func(b []byte, r *rand.Rand) []byte { return mutate.ONNX(b, operators, r) },
		func(b []byte, r *rand.Rand) []byte { return mutate.ONNX(mutate.ONNX(b, operators, r), operators, r) },
		func(b []byte, r *rand.Rand) []byte { return mutate.Inflate(mutate.ONNX(b, operators, r), r) },
	}
	// 5 and 6: what is left may be a model whose step gives no finite numbers, or that does not fit.
	each(t, *malformedModels, []int{0, 3, 4, 5, 6}, func(dir string, i uint64) (string, outcome) {
		r := rand.New(rand.NewPCG(i, 17))
		path := filepath.Join(dir, "model.onnx")
		b := kinds[i%uint64(len(kinds))](seeds[r.IntN(len(seeds))], r)
		if err := os.WriteFile(path, b, 0o666); err != nil {
			t.Error(err)
		}
		return path, takeStep(t, path, len(b), filepath.Join(dir, "run"))
	})
}

// takeStep takes a training step with a model of so many bytes, within the memory that a file of its size may take.
func takeStep(t *testing.T, path string, size int, out string) outcome {
	return take(t, "train", "--model", path, "--opt", "sgd", "--data", "synthetic:?n=4", "--batch", "2", "--steps", "1", "--threads", "1", "--workers", "1",
		"--save-every", "never", "--progress", "none", "--max-memory", fmt.Sprint(2*size+malformedSpare), "--out", out, "--overwrite")
}

// TestOnceMalformed takes what TestMalformedModels found: models that took too much memory or ended with another exit code.
func TestOnceMalformed(t *testing.T) {
	for name, code := range map[string]int{
		"argmin-classes.onnx":   3, // 2^20 classes, as far as the shape of its output says
		"gather-outside.onnx":   4, // a made-up token that the table does not have
		"gathernd-outside.onnx": 3, // an index among the constants that the operand does not have
	} {
		path := filepath.Join("testdata", "malformed", name)
		o := takeStep(t, path, int(sizeOf(path)), filepath.Join(t.TempDir(), "run"))
		if what := o.wrong(sizeOf(path), []int{code}); what != "" {
			t.Errorf("%s: %s\n%s", name, what, o.said)
		}
	}
}
