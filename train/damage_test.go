package train

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/onnxtrain/onnxtrain/data"
)

// TestDamagedModels opens models with some bytes changed, as a bad disk or a bad tool leaves them, and takes a training step:
// an error or a step, but never a panic, a hang, or memory beyond --max-memory.
func TestDamagedModels(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "testdata", "exports", "*.onnx"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d exports, %v", len(files), err)
	}
	each := 3
	if os.Getenv("ONNXTRAIN_LONG") != "" {
		each = 300
	}
	dir := t.TempDir()
	for _, file := range files {
		whole, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for seed := range uint64(each) {
			damaged := damage(whole, seed)
			path := filepath.Join(dir, "model.onnx")
			if err := os.WriteFile(path, damaged, 0o666); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			if err := stepOnce(path); err != nil && strings.HasPrefix(err.Error(), "panic") {
				t.Errorf("%s, seed %d: %v", filepath.Base(file), seed, err)
			}
			if d := time.Since(start); d > 30*time.Second {
				t.Errorf("%s, seed %d takes %v", filepath.Base(file), seed, d)
			}
		}
	}
}

// damage changes one to four places: a byte, a bit, a short run copied from elsewhere, or the end cut off. Places in the
// first part of the file, where small exports have their nodes, are as likely as those in the weights.
func damage(b []byte, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	out := append([]byte{}, b...)
	for range 1 + r.IntN(4) {
		at := r.IntN(len(out))
		switch r.IntN(8) {
		case 0:
			out[at] ^= 1 << r.IntN(8)
		case 1:
			n := min(1+r.IntN(8), len(out)-at)
			copy(out[at:at+n], out[r.IntN(len(out)-n+1):])
		case 2:
			if at > len(out)/2 {
				out = out[:at]
			}
		default:
			out[at] = []byte{0, 1, 2, 3, 5, 7, 8, 0x7f, 0x80, 0xff, byte(r.IntN(256))}[r.IntN(11)]
		}
	}
	return out
}

// stepOnce takes one training step; a panic is returned as an error that begins so.
func stepOnce(path string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	s, err := Open(Config{Model: path, Opt: "sgd,lr=0.01", Batch: 2, Threads: 1, MaxMemory: "256MiB", Loss: "auto", Init: "file",
		Schedule: "constant", Accumulate: 1, Workers: 1, LogEvery: 1, LossTerms: "batch+seq"}, true)
	if err != nil {
		return err
	}
	defer s.Close()
	trainer, err := NewTrainer(s.Engine, &s.Config, 1)
	if err != nil {
		return err
	}
	it := data.NewLoader(s.Train, data.LoaderOptions{Batch: 2, Workers: 1}).Epoch(context.Background(), 0, 0)
	defer it.Close()
	batch, err := it.Next()
	if err != nil {
		return err
	}
	_, err = trainer.Step(context.Background(), []*data.Batch{batch})
	return err
}
