package linalg

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/onnxtrain/onnxtrain/internal/cpu"
)

// dropOne is dropout of element i by the words of its definition.
func dropOne(d Drop, v float32, i int) float32 {
	bits := SplitMix(d.Base+uint64(i/2+1)*golden) >> (i % 2 * 32)
	if uint32(bits) < d.Threshold {
		return 0
	}
	return v * d.Scale
}

func TestDropEveryStartAndLength(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	x, dst := random(rng, 200), make([]float32, 200)
	for level := cpu.Generic; level <= cpu.Detected(); level++ {
		restore := cpu.Limit(level)
		for _, ratio := range []float64{0, 0.1, 0.5, 0.999} {
			d := NewDrop(rng.Uint64(), ratio)
			for first := range 5 {
				for n := range len(x) {
					guard := float32(math.Inf(1))
					dst[n] = guard
					d.Run(dst[:n], x[:n], first)
					for i, got := range dst[:n] {
						if want := dropOne(d, x[i], first+i); math.Float32bits(got) != math.Float32bits(want) {
							t.Fatalf("%v, ratio %v: element %d of %d from %d is %v, want %v", level, ratio, i, n, first, got, want)
						}
					}
					if dst[n] != guard {
						t.Fatalf("%v: %d elements from %d write behind the end", level, n, first)
					}
				}
			}
		}
		restore()
	}
}

func TestDropCrossesBlocks(t *testing.T) {
	x := random(rand.New(rand.NewPCG(2, 1)), 3*block+17)
	dst, d := make([]float32, len(x)), NewDrop(99, 0.3)
	d.Run(dst, x, 1)
	for i, got := range dst {
		if want := dropOne(d, x[i], 1+i); got != want {
			t.Fatalf("element %d is %v, want %v", i, got, want)
		}
	}
}

// The committed assembly is what its generator writes.
func TestDropAssemblyIsGenerated(t *testing.T) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go tool")
	}
	dir := t.TempDir()
	cmd := exec.Command(goTool, "run", "./drop", "-out", dir)
	cmd.Dir = "_asm"
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOOS=", "GOARCH=", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go run ./drop: %v\n%s", err, out)
	}
	got, want := mustRead(t, "drop_amd64.s"), mustRead(t, filepath.Join(dir, "drop_amd64.s"))
	if !bytes.Equal(got, want) {
		t.Error("drop_amd64.s is not what _asm/drop writes: run go generate ./tensor/linalg")
	}
}

func mustRead(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func BenchmarkDrop(b *testing.B) {
	x := make([]float32, block)
	for level := cpu.Generic; level <= cpu.Detected(); level++ {
		b.Run(fmt.Sprint(level), func(b *testing.B) {
			defer cpu.Limit(level)()
			d := NewDrop(1, 0.1)
			b.SetBytes(8 * block)
			for b.Loop() {
				d.Run(x, x, 0)
			}
		})
	}
}
