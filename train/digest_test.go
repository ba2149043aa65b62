package train

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

var (
	digestSteps = flag.Int("digest.steps", 3, "steps that TestSameDigests compares")
	digestBatch = flag.Int("digest.batch", 8, "examples of a step")
)

// fakeText is a file of words of few letters.
func fakeText(t *testing.T) string {
	t.Helper()
	r := rand.New(rand.NewPCG(5, 6))
	var b strings.Builder
	for b.Len() < 60_000 {
		for range 1 + r.IntN(6) {
			b.WriteByte("etaoinshrdlu"[r.IntN(12)])
		}
		b.WriteByte(" \n.,"[min(r.IntN(12), 3)])
	}
	file := filepath.Join(t.TempDir(), "text.txt")
	if err := os.WriteFile(file, []byte(b.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestSameDigests trains with prefetching, augmentation and dropout on any number of threads, readers and processors: the
// weights are the same bits after every single step. In full: -digest.steps 200 -digest.batch 32.
func TestSameDigests(t *testing.T) {
	images := "cifar10:" + fakeCIFAR(t) + "?crop=4&flip=1"
	for _, c := range []struct{ model, opt, data string }{
		{"resnet20", "ifshampoo", images}, {"vit", "adamw", images}, {"gpt", "ifshampoo", "text:" + fakeText(t) + "?stride=16&jitter=1"},
	} {
		for _, dtype := range []string{"f32", "bf16"} {
			config := small(c.model, c.opt, "")
			config.Data, config.DType = c.data, dtype
			t.Run(c.model+"/"+dtype, func(t *testing.T) { sameDigests(t, config) })
		}
	}
}

func sameDigests(t *testing.T, c Config) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	var first []string
	for _, on := range []struct{ threads, workers, processors int }{{1, 1, 1}, {2, 2, 2}, {3, 4, 8}, {8, 3, 3}} {
		runtime.GOMAXPROCS(on.processors)
		c.Out, c.Steps, c.Batch, c.Threads, c.Workers = filepath.Join(t.TempDir(), "run"), *digestSteps, *digestBatch, on.threads, on.workers
		trained(t, c, 0)
		_, lines := results(t, c.Out)
		if len(lines) != *digestSteps || !strings.Contains(lines[0], "digest=") {
			t.Fatalf("%d lines of metrics: %q", len(lines), lines[:min(len(lines), 1)])
		}
		if first == nil {
			first = lines
		}
		for i, line := range lines {
			if line != first[i] {
				t.Fatalf("%+v differs from step %d on:\n%s\n%s", on, i+1, line, first[i])
			}
		}
	}
	t.Logf("%d steps: %s", *digestSteps, lastDigest(first[len(first)-1]))
}

func lastDigest(line string) string {
	_, rest, _ := strings.Cut(line, "digest=")
	digest, _, _ := strings.Cut(rest, " ")
	return fmt.Sprintf("all end in digest %s", digest)
}
