package linalg

import (
	"bytes"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/onnxtrain/onnxtrain/internal/cpu"
)

// The committed assembly is what its generator writes.
func TestGemmAssemblyIsGenerated(t *testing.T) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go tool")
	}
	dir := t.TempDir()
	cmd := exec.Command(goTool, "run", "./gemm", "-out", dir)
	cmd.Dir = "_asm"
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOOS=", "GOARCH=", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go run ./gemm: %v\n%s", err, out)
	}
	for _, name := range []string{"gemm_amd64.s", "pack_amd64.s", "sweep_amd64.s"} {
		want, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what _asm/gemm writes: run go generate ./tensor/linalg", name)
		}
	}
}

// Random calls differ between the instruction sets by no more than rounding.
func TestGemmLevelsAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	for range 60 {
		m, n, k := 1+rng.IntN(90), 1+rng.IntN(90), rng.IntN(600)
		g := GemmCall{A: layOut(rng, layouts[rng.IntN(len(layouts))], m, k), B: layOut(rng, layouts[rng.IntN(len(layouts))], k, n),
			C: layOut(rng, layouts[rng.IntN(len(layouts))], m, n), Alpha: rng.Float32(), Beta: rng.Float32()}
		if rng.IntN(2) == 0 {
			g.Epilogue = Epilogue{RowBias: random(rng, m), ColBias: random(rng, n), Relu: true}
		}
		c0 := append([]float32(nil), g.C.Data...)
		_, size := reference(&g, c0, 0)
		results := make(map[cpu.Level][]float64)
		for level := cpu.Generic; level <= cpu.Detected(); level++ {
			restore := cpu.Limit(level)
			g.C.Data = append([]float32(nil), c0...)
			g.Run(nil, nil)
			results[level] = dense(g.C, 0)
			restore()
		}
		for level, got := range results {
			for i, want := range results[cpu.Generic] {
				if tol := 2 * tolerance(k) * size[i]; math.Abs(got[i]-want) > tol {
					t.Fatalf("%dx%dx%d: %v gives %v, generic %v ± %v", m, n, k, level, got[i], want, tol)
				}
			}
		}
	}
}
