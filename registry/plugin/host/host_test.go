package host

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/onnxtrain/onnxtrain/internal/par"
	_ "github.com/onnxtrain/onnxtrain/optimizers"
	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/registry/conform"
	"github.com/onnxtrain/onnxtrain/registry/plugin"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// served names the built-in optimizer that the tests' binary serves when it runs as a plugin.
const served = "ONNXTRAIN_TEST_SERVED"

func TestMain(m *testing.M) {
	if name := os.Getenv(served); name != "" && os.Getenv("ONNXTRAIN_PLUGIN") != "" {
		plugin.Serve(name, "1.0")
	}
	code := m.Run()
	if err := Close(); err != nil {
		fmt.Println(err)
		code = 1
	}
	os.Exit(code)
}

// script is the path of a plugin that serves a built-in optimizer.
func script(t *testing.T, name string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, fmt.Appendf(nil, "#!/bin/sh\n%s=%s exec %s\n", served, name, self), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestConform runs the checks of the built-in optimizers on some of them as programs.
func TestConform(t *testing.T) {
	for _, name := range []string{"adamw", "lion", "muon"} {
		t.Run(name, func(t *testing.T) {
			e, err := registry.Lookup(script(t, name))
			if err != nil {
				t.Fatal(err)
			}
			if e.Version != "1.0" || len(e.Digest) != 64 {
				t.Errorf("version %q, digest %q", e.Version, e.Digest)
			}
			for _, err := range conform.Run(e) {
				t.Error(err)
			}
		})
	}
}

// TestSameBits trains with an optimizer that is built in and as a program, with tensors in shared memory and elsewhere.
func TestSameBits(t *testing.T) {
	pool := par.New(2)
	defer pool.Close()
	params := []registry.ParamInfo{
		{Name: "large", Shape: tensor.Shape{300, 400}, DType: tensor.Float32, Role: registry.Weight},
		{Name: "small", Shape: tensor.Shape{7}, DType: tensor.Float64, Role: registry.Bias},
		{Name: "empty", Shape: tensor.Shape{0, 3}, DType: tensor.Float32, Role: registry.Weight},
	}
	var all [3][]*tensor.Tensor
	path := script(t, "adamw")
	for n, text := range []string{"adamw", path, path} {
		e, settings, err := registry.Parse(text + ",beta1=0.8")
		if err != nil {
			t.Fatal(err)
		}
		opt, _, err := e.New(settings)
		if err != nil {
			t.Fatal(err)
		}
		s, err := registry.NewStepper(opt, params, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		var grads []*tensor.Tensor
		for _, p := range params {
			v, g := tensor.New(p.DType, p.Shape...), tensor.New(p.DType, p.Shape...)
			if n == 2 {
				if v, err = opt.(registry.Joint).Alloc(p.DType, p.Shape); err != nil {
					t.Fatal(err)
				}
			}
			all[n], grads = append(all[n], v), append(grads, g)
		}
		for step := 1; step <= 5; step++ {
			for i, g := range grads {
				x := make([]float64, g.Elems())
				for k := range x {
					x[k] = float64((k*7+step*3+i)%11) - 5
				}
				g.SetFloat64s(x)
			}
			if err := s.Step(registry.Context{Step: step, LR: 1e-2, WeightDecay: 0.1, LossTerms: 8, Pool: pool}, all[n], grads); err != nil {
				t.Fatal(err)
			}
		}
		for _, slot := range s.Slots {
			all[n] = append(all[n], slot.Tensor.Clone())
		}
	}
	for n := 1; n < 3; n++ {
		for i := range all[0] {
			if !bytes.Equal(all[0][i].Data, all[n][i].Data) {
				t.Errorf("way %d: tensor %d differs", n, i)
			}
		}
	}
}

// TestMemory allocates and frees: what is in use stays as it is, and what is freed is given back.
func TestMemory(t *testing.T) {
	m, err := newShared()
	if err != nil {
		t.Fatal(err)
	}
	defer m.close()
	fill := func(x *tensor.Tensor, v byte) {
		for i := range x.Data {
			x.Data[i] = v
		}
	}
	var kept []*tensor.Tensor
	for round := range 20 {
		var gone []*tensor.Tensor
		for i, n := range []int{1, 100, 2 << 20, 0} {
			for _, list := range []*[]*tensor.Tensor{&kept, &gone} {
				x, err := m.alloc(tensor.Float32, tensor.Shape{n})
				if err != nil {
					t.Fatal(err)
				}
				if len(bytes.Trim(x.Data, "\x00")) > 0 {
					t.Fatalf("round %d, tensor %d is not zero", round, i)
				}
				fill(x, byte(round+1))
				*list = append(*list, x)
			}
			if round > 1 {
				kept = kept[:len(kept)-1]
				m.release(kept[len(kept):][:1]...)
			}
		}
		m.release(gone...)
	}
	for i, x := range kept {
		if n := len(bytes.Trim(x.Data, string([]byte{byte(i/4 + 1)}))); n > 0 {
			t.Errorf("tensor %d was overwritten", i)
		}
		if at := m.offset(x); at < 0 || at+int64(len(x.Data)) > m.length() {
			t.Errorf("tensor %d of %d bytes lies at %d of %d", i, len(x.Data), at, m.length())
		}
	}
	if m.offset(tensor.New(tensor.Float32, 3)) != -1 {
		t.Error("a tensor of the heap is found")
	}
	if m.used > 80<<20 || m.length() > 160<<20 {
		t.Errorf("%d bytes are in use, of a file of %d", m.used, m.length())
	}
	if _, err := m.alloc(tensor.Float32, tensor.Shape{1 << 45}); err == nil {
		t.Error("more than any machine has was given")
	}
	m.release(kept...)
	if m.used > 0 || len(m.chunks) > 0 {
		t.Errorf("%d bytes in %d chunks stay", m.used, len(m.chunks))
	}
}

// TestLogIsBounded floods the log.
func TestLogIsBounded(t *testing.T) {
	l := newBoundedLog(nil)
	now := l.at
	var read int
	line := []byte(strings.Repeat("x", 99) + "\n")
	for range 100_000 { // ten megabytes within ten seconds
		now = now.Add(100 * time.Microsecond)
		l.take(bytes.Clone(line), now)
		read += len(l.pending)
		l.pending = nil
	}
	if read < logBurst || read > logBurst+12*logRate {
		t.Errorf("%d bytes came through", read)
	}
	l.take([]byte("after \x1b[31mthat\r\n"), now.Add(time.Minute))
	if text := string(l.pending); !strings.Contains(text, "bytes are left out\nafter  [31mthat \n") {
		t.Errorf("then %q", text)
	}
	if last := l.last(); last != "after  [31mthat" {
		t.Errorf("the last line is %q", last)
	}
}

// TestPageShowsTheExamples compares docs/plugins.md with the files that it shows.
func TestPageShowsTheExamples(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	page, err := os.ReadFile(filepath.Join(root, "docs", "plugins.md"))
	if err != nil {
		t.Fatal(err)
	}
	for file, language := range map[string]string{"python/signum.py": "python", "plugin/signum/signum.go": "go", "plugin/program/main.go": "go",
		"plugin/main.go": "go"} {
		example, err := os.ReadFile(filepath.Join(root, "examples", file))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(page, fmt.Appendf(nil, "```%s\n%s```\n", language, example)) {
			t.Errorf("docs/plugins.md does not show examples/%s as it is", file)
		}
	}
}

// TestPythonExample runs examples/python/signum.py.
func TestPythonExample(t *testing.T) {
	python := ""
	for _, candidate := range []string{"python3", "/usr/bin/python3"} {
		if path, err := exec.LookPath(candidate); err == nil && exec.Command(path, "-c", "import numpy").Run() == nil {
			python = path
			break
		}
	}
	if python == "" {
		t.Skip("there is no python3 with numpy")
	}
	t.Setenv("PATH", filepath.Dir(python)+string(filepath.ListSeparator)+os.Getenv("PATH"))
	example, err := filepath.Abs(filepath.Join("..", "..", "..", "examples", "python", "signum.py"))
	if err != nil {
		t.Fatal(err)
	}
	e, err := Open(example)
	if err != nil {
		t.Fatal(err)
	}
	if e.Name != "signum" || e.Hyper("momentum").Default != 0.9 {
		t.Errorf("entry %+v", e)
	}
	if e, err = registry.Lookup(example); err != nil {
		t.Fatal(err)
	}
	for _, err := range conform.Run(e) {
		t.Error(err)
	}
}
