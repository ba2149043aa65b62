package linalg

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/onnxtrain/onnxtrain/internal/cpu"
)

// The committed assembly is what its generator writes.
func TestEigenAssemblyIsGenerated(t *testing.T) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go tool")
	}
	dir := t.TempDir()
	cmd := exec.Command(goTool, "run", "./eigen", "-out", dir)
	cmd.Dir = "_asm"
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOOS=", "GOARCH=", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go run ./eigen: %v\n%s", err, out)
	}
	const name = "eigen_amd64.s"
	want, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what _asm/eigen writes: run go generate ./tensor/linalg", name)
	}
}

// eigenKernels are calls of each kernel on memory that holds all operands and results; those share no vector.
var eigenKernels = []struct {
	name string
	size int
	run  func(c isa64, x []float64) float64
}{
	{"multiply", 4096, func(c isa64, x []float64) float64 {
		for vectors := 1; vectors <= 3; vectors++ {
			for _, beta := range []float64{0, 0.5} {
				for _, k := range []int{0, 1, 7} {
					tile := tile64{a: x, aLane: 40, aStep: 1, b: x[1000:], bStep: 48, c: x[2000+500*vectors:], cRow: 56,
						k: k, vectors: vectors, alpha: -0.5, beta: beta}
					c.multiply(&tile)
					tile.aLane, tile.aStep, tile.bStep, tile.c = 1, 40, 24, x[2024+500*vectors:]
					c.multiply(&tile)
				}
			}
		}
		return 0
	}},
	{"symmetric", 2000, func(c isa64, x []float64) float64 {
		for _, n := range []int{8, 16, 40} {
			c.symmetric(x, 56, n, x[1000:], x[1500+2*n:])
		}
		return 0
	}},
	{"dots", 2000, func(c isa64, x []float64) float64 {
		c.dots(x, 72, 4, x[1000:1008], x[1500:])
		c.dots(x, 72, 12, x[1000:1064], x[1600:])
		return 0
	}},
	{"combine", 2000, func(c isa64, x []float64) float64 {
		c.combine(x, 72, 4, x[1000:], x[1500:1508])
		c.combine(x, 72, 12, x[1000:], x[1600:1664])
		return 0
	}},
	{"poles", 200, func(c isa64, x []float64) float64 {
		a, b, d := c.poles(x[:64], x[64:128], 20, 0.5)
		return a + b + d
	}},
	{"loewner", 200, func(c isa64, x []float64) float64 {
		c.loewner(x[:40], x[40:80], x[80:120], 20)
		return 0
	}},
	{"quotients", 200, func(c isa64, x []float64) float64 { return c.quotients(x[:40], x[64:104]) }},
	{"rotate", 1000, func(c isa64, x []float64) float64 {
		c.rotate(x, 0, 56, 48, []float64{0.6, 0.8, -0.28, 0.96, 0.8, -0.6})
		c.rotate(x, 800, -56, 8, []float64{0.6, 0.8, -0.28, 0.96})
		return 0
	}},
}

// Kernels differ from their portable twins by no more than rounding, and write nowhere else.
func TestEigenKernelsAgree(t *testing.T) {
	for level := cpu.AVX2; level <= min(cpu.Detected(), cpu.AVX512); level++ {
		for _, kernel := range eigenKernels {
			t.Run(fmt.Sprint(level, kernel.name), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(7, 7))
				got := make([]float64, kernel.size)
				for i := range got {
					got[i] = 1 + rng.Float64()
				}
				want := slices.Clone(got)
				a, b := kernel.run(isa64(level), got), kernel.run(isa64(cpu.Generic), want)
				got, want = append(got, a), append(want, b)
				for i := range got {
					if math.Abs(got[i]-want[i]) > 1e-13*(1+math.Abs(want[i])) {
						t.Fatalf("element %d is %v, want %v", i, got[i], want[i])
					}
				}
			})
		}
	}
}
