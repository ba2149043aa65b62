package train

import (
	"context"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/onnxtrain/onnxtrain/backend"
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/graph/pass"
	"github.com/onnxtrain/onnxtrain/internal/mutate"
	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/onnxload"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// A long run of TestMutatedModels goes on from a model, and keeps the case at hand, so that one that ends the process is known.
var (
	hostileFrom = flag.Int("hostile.from", 0, "the first model that TestMutatedModels changes")
	hostileSeed = flag.Int("hostile.seed", 0, "its first seed")
	hostileKeep = flag.String("hostile.keep", "", "`file` that TestMutatedModels writes every case to; failed ones get the model's number and seed")
)

// TestMutatedModels changes models by structure and builds, compiles and runs what is left of them, for inference and for
// training. ONNXTRAIN_LONG=N makes N mutations of every model. What it found before is in testdata/hostile.
func TestMutatedModels(t *testing.T) {
	operators := []string{}
	for _, d := range op.All() {
		operators = append(operators, d.Type)
	}
	for _, e := range pass.Expansions() {
		operators = append(operators, e[1])
	}
	all := hostileModels(t)
	each, stride := 1, 7
	if long := os.Getenv("ONNXTRAIN_LONG"); long != "" {
		stride = 1
		if n, err := strconv.Atoi(long); err == nil {
			each = n
		}
	}
	for i := *hostileFrom; i < len(all); i += stride {
		m := all[i]
		for seed := uint64(*hostileSeed); seed < uint64(*hostileSeed+each); seed++ {
			b := mutate.ONNX(m.b, operators, rand.New(rand.NewPCG(seed, uint64(i))))
			keep(t, b, "")
			keep(t, []byte(strconv.Itoa(i)), ".n")
			if err := survives(b, seed); err != nil {
				t.Errorf("%s (-hostile.from %d -hostile.seed %d): %v", m.name, i, seed, err)
				keep(t, b, fmt.Sprintf("-%d-%d", i, seed))
			}
		}
	}
}

// keep writes a case to -hostile.keep.
func keep(t *testing.T, b []byte, suffix string) {
	if *hostileKeep == "" {
		return
	}
	if err := os.WriteFile(*hostileKeep+suffix, b, 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestFoundModels runs models that once made something panic, hang or take memory without bounds.
func TestFoundModels(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "hostile", "*.onnx"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for seed := range uint64(4) {
			if err := survives(b, seed); err != nil {
				t.Errorf("%s, seed %d: %v", filepath.Base(file), seed, err)
			}
		}
	}
}

type hostileModel struct {
	name string
	b    []byte
}

// hostileModels are the small models of the repository and one of every operator's samples.
func hostileModels(t testing.TB) []hostileModel {
	var all []hostileModel
	for _, dir := range []string{"testdata", "models"} {
		err := filepath.WalkDir(filepath.Join("..", dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".onnx" {
				return err
			}
			b, err := os.ReadFile(path)
			if len(b) < 20<<10 || os.Getenv("ONNXTRAIN_LONG") != "" {
				all = append(all, hostileModel{path, b})
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(all) < 40 {
		t.Fatalf("%d models", len(all))
	}
	for _, def := range op.All() {
		if def.Domain == op.Internal {
			continue
		}
		for _, s := range def.Samples() {
			for form, weight := range []func(int) bool{
				func(int) bool { return false }, func(int) bool { return true }, func(i int) bool { return i == 0 }, func(i int) bool { return i > 0 },
			} {
				if b, ok := sampleModel(def, s, weight); ok {
					all = append(all, hostileModel{fmt.Sprintf("%v/%s/%d", def.ID(), s.Name, form), b})
				}
			}
		}
	}
	return all
}

// What a mutated model may take; most are some kilobytes.
const (
	hostileBytes = 1 << 30
	hostileTime  = 10 * time.Second
	hostilePlan  = 16 << 20
)

// survives reports panics, and work or memory beyond bounds.
func survives(b []byte, seed uint64) error {
	for _, form := range []struct {
		name string
		run  func(*onnxload.Model, uint64) error
	}{
		{"inference", runInference},
		{"training", func(m *onnxload.Model, seed uint64) error { return runTraining(m, seed, tensor.Float32) }},
		{"float64", func(m *onnxload.Model, seed uint64) error { return runTraining(m, seed, tensor.Float64) }},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := processorTime()
		err := guarded(b, seed, form.run)
		took := processorTime() - start
		runtime.ReadMemStats(&after)
		switch {
		case err != nil && strings.Contains(err.Error(), "panic"):
			return fmt.Errorf("%s: %w", form.name, err)
		case took > hostileTime:
			return fmt.Errorf("%s takes %v (%v)", form.name, took, err)
		case after.TotalAlloc-before.TotalAlloc > hostileBytes:
			return fmt.Errorf("%s allocates %d MiB (%v)", form.name, (after.TotalAlloc-before.TotalAlloc)>>20, err)
		}
	}
	return nil
}

// processorTime is what the process has used, which other processes do not lengthen.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// guarded returns a panic as an error with its stack.
func guarded(b []byte, seed uint64, run func(*onnxload.Model, uint64) error) (err error) {
	debug.SetPanicOnFault(true)
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	m, err := onnxload.Decode("m.onnx", b)
	if err != nil {
		return err
	}
	return run(m, seed)
}

// runInference runs the model as it is, with 2 for open dimensions.
func runInference(m *onnxload.Model, seed uint64) error {
	g, err := m.NewGraph()
	if err != nil {
		return err
	}
	o := pass.Options{Loss: pass.Loss{Kind: "none"}, Literal: true, Shapes: map[string]tensor.Shape{}}
	for _, v := range g.Inputs {
		o.Shapes[v.Name] = filledIn(v.Type.Shape, 2)
	}
	return runBuilt(g, o, rand.New(rand.NewPCG(seed, 3)))
}

func filledIn(s tensor.Shape, with int) tensor.Shape {
	s = s.Clone()
	for i, d := range s {
		if d == -1 {
			s[i] = with
		}
	}
	return s
}

// oddly fills a tensor with numbers of which a few are odd.
func oddly(t *tensor.Tensor, r *rand.Rand) {
	n := t.Elems()
	if t.DType.IsFloat() {
		x := make([]float64, n)
		for i := range x {
			x[i] = r.NormFloat64()
		}
		if n > 0 && r.IntN(4) == 0 {
			x[r.IntN(n)] = []float64{1e38, -1e38, 0, 1 / zero, -1 / zero, zero / zero}[r.IntN(6)]
		}
		t.SetFloat64s(x)
		return
	}
	x := make([]int64, n)
	for i := range x {
		x[i] = r.Int64N(2)
	}
	if n > 0 && r.IntN(4) == 0 {
		x[r.IntN(n)] = []int64{-1, 3, 100, 1 << 31, 1 << 62, -1 << 63, -100}[r.IntN(7)]
	}
	if t.DType == tensor.Bool {
		for i := range x {
			x[i] &= 1
		}
	}
	t.SetInt64s(x)
}

var zero float64

// runTraining takes the gradient of a loss on the first output, which is compared with numbers or classes.
func runTraining(m *onnxload.Model, seed uint64, dt tensor.DType) error {
	r := rand.New(rand.NewPCG(seed, 4))
	g, err := m.NewGraph()
	if err != nil {
		return err
	}
	o := pass.Options{Shapes: map[string]tensor.Shape{}, DType: dt, Loss: pass.Loss{Kind: "none"}}
	for _, v := range g.Inputs {
		o.Shapes[v.Name] = filledIn(v.Type.Shape, 2)
	}
	first, err := pass.Build(g, o)
	if err != nil {
		return err
	}
	out := first.Output.Type
	o.Training, o.AllowUnused, o.Tie, o.UnfoldBatchNorm = true, true, r.IntN(4) == 0, r.IntN(16) == 0
	o.BatchNorm = []string{pass.BatchNormAuto, pass.BatchNormTrain, pass.BatchNormFrozen}[r.IntN(3)]
	o.Loss = pass.Loss{Kind: []string{"auto", "mse", "l1", "huber", "bce"}[r.IntN(5)], Label: out}
	if s := out.Shape; len(s) > 1 && r.IntN(2) == 0 {
		o.Loss = pass.Loss{Kind: "ce", Label: graph.Type{DType: tensor.Int64, Shape: slices.Concat(s[:1], s[2:])}}
	}
	if g, err = m.NewGraph(); err != nil {
		return err
	}
	return runBuilt(g, o, r)
}

// runBuilt builds, compiles and runs a graph on odd numbers.
func runBuilt(g *graph.Graph, o pass.Options, r *rand.Rand) error {
	built, err := pass.Build(g, o)
	if err != nil {
		return err
	}
	if err := g.Check(); err != nil {
		return fmt.Errorf("panic: the passes leave a broken graph: %w", err)
	}
	engine, err := backend.Lookup("cpu")
	if err != nil {
		return err
	}
	pool := par.New(2)
	defer pool.Close()
	keep := append([]*graph.Value{built.Output}, built.Grads...)
	p, err := engine.Compile(g, backend.Options{MaxBytes: hostilePlan, Pool: pool, Keep: keep})
	if err != nil {
		return err
	}
	defer p.Close()
	for _, v := range g.OfKind(graph.Input) {
		if t := p.Tensor(v); t != nil {
			oddly(t, r)
		}
	}
	ctx, stop := context.WithTimeout(context.Background(), hostileTime/2)
	defer stop()
	return p.Run(ctx)
}
