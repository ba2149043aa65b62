package conformance

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/tensor"
)

func TestTolerance(t *testing.T) {
	tol := tolerance{Rel: 1e-3, Abs: 1e-7}
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		name      string
		got, want *tensor.Tensor
		ok        bool
	}{
		{"equal", tensor.Vector[float32](1, nan, inf), tensor.Vector[float32](1, nan, inf), true},
		{"within", tensor.Vector[float32](1000.9), tensor.Vector[float32](1000), true},
		{"outside", tensor.Vector[float32](1001.1), tensor.Vector[float32](1000), false},
		{"what cancels", tensor.Vector[float32](0, 99), tensor.Vector[float32](1e-5, 99), true},
		{"small and alone", tensor.Vector[float32](0, 1e-3), tensor.Vector[float32](1e-5, 1e-3), false},
		{"infinity", tensor.Vector(inf), tensor.Vector(-inf), false},
		{"not a number", tensor.Vector(nan), tensor.Vector[float32](1), false},
		{"two places of bfloat16", tensor.Vector(tensor.ToBFloat16(1)), tensor.Vector(tensor.ToBFloat16(1.0078125)), true},
		{"integers", tensor.Vector[int64](1), tensor.Vector[int64](2), false},
	} {
		if err := tol.compare(c.got, c.want); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestStatus(t *testing.T) {
	cases, err := Read(filepath.Join(committed, "cases"))
	if err != nil {
		t.Fatal(err)
	}
	find := func(name string) Case {
		for _, c := range cases {
			if c.Name == name {
				return c
			}
		}
		t.Fatalf("no case %q", name)
		return Case{}
	}
	change := func(name, file string, edit func([]byte) []byte) Case {
		c := Case{Name: name, Files: map[string][]byte{}}
		for k, v := range find(name).Files {
			c.Files[k] = v
		}
		c.Files[file] = edit(bytes.Clone(c.Files[file]))
		return c
	}
	flip := func(b []byte) []byte { b[len(b)-1] ^= 0x7f; return b }
	const output = "test_data_set_0/output_0.pb"
	for _, c := range []struct {
		what   string
		c      Case
		status string
		why    string
	}{
		{"as recorded", find("node/test_matmul_bcast"), "passed", ""},
		{"another output", change("node/test_matmul_bcast", output, flip), "failed", "element"},
		{"no output recorded", change("node/test_matmul_bcast", output, func([]byte) []byte { return nil }), "failed", ""},
		{"another output of attention", change("node/test_attention_4d_gqa", output, flip), "failed", "element"},
		{"random", find("node/test_bernoulli"), "passed", "type and shape alone"},
		{"another random output", change("node/test_bernoulli", output, flip), "passed", "type and shape alone"},
		{"dropout that drops", find("node/test_training_dropout_default"), "passed", "type and shape alone"},
		{"a type that is refused", find("node/test_string_concat"), "unsupported", "string"},
		{"no model", change("node/test_matmul_bcast", "model.onnx", func(b []byte) []byte { return b[:9] }), "unsupported", "model.onnx"},
		{"a loose tolerance", Case{"x", map[string][]byte{"data.json": []byte("{")}}, "failed", "data.json"},
	} {
		r := c.c.Run(context.Background())
		if r.Status != c.status || !strings.Contains(r.Why, c.why) || (c.why == "" && r.Why != "" && r.Status == "passed") {
			t.Errorf("%s: %+v", c.what, r)
		}
	}
}

func TestReadRefusesWhatHoldsNoCase(t *testing.T) {
	if _, err := Read(t.TempDir()); err == nil || !strings.Contains(err.Error(), "model.onnx") {
		t.Errorf("an empty folder: %v", err)
	}
	file := filepath.Join(t.TempDir(), "cases.tar.gz")
	if err := os.WriteFile(file, []byte("no archive"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(file); err == nil {
		t.Error("no error for a file that is no archive")
	}
	if _, err := Read(filepath.Join(t.TempDir(), "absent")); err == nil {
		t.Error("no error for a path that does not exist")
	}
}
