package train

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/internal/cpu"
	"github.com/onnxtrain/onnxtrain/train/checkpoint"
)

// TestResumeRefusesOtherData changes one thing about the data of a run after the other.
func TestResumeRefusesOtherData(t *testing.T) {
	folder := fakeCIFAR(t)
	file := filepath.Join(folder, "data_batch_1.bin")
	original, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := small("resnet20", "sgd", filepath.Join(t.TempDir(), "run"))
	c.Data, c.Steps, c.SaveEvery, c.Schedule, c.Warmup = "cifar10:"+folder+"?crop=4&flip=1", 2, "1", "constant", ""
	trained(t, c, 0)
	c.Resume, c.Steps = "auto", 3
	for _, x := range []struct {
		name   string
		change func(b []byte) []byte
		want   string
	}{
		{"a pixel", func(b []byte) []byte { b[1+16*32+16] ^= 1; return b }, "not the same"},
		{"a label", func(b []byte) []byte { b[0] = (b[0] + 1) % 10; return b }, "not the same"},
		{"order", func(b []byte) []byte {
			const n = 3073
			return append(append(append([]byte{}, b[n:2*n]...), b[:n]...), b[2*n:]...)
		}, "not the same"},
		{"number", func(b []byte) []byte { return b[:len(b)-3073] }, "29 examples now"},
	} {
		t.Run(x.name, func(t *testing.T) {
			if err := os.WriteFile(file, x.change(append([]byte{}, original...)), 0o666); err != nil {
				t.Fatal(err)
			}
			_, _, err := attempt(c, &observer{})
			if kind(err) != BadData || !strings.Contains(err.Error(), x.want) {
				t.Errorf("error %v", err)
			}
		})
	}
	if err := os.WriteFile(file, original, 0o666); err != nil {
		t.Fatal(err)
	}
	c.Workers, c.Threads = 3, 1 // which do not matter
	if _, o := trained(t, c, 0); len(o.warned) > 0 {
		t.Errorf("warned %q", o.warned)
	}
}

func TestOtherArchitecture(t *testing.T) {
	o := &observer{}
	r := &run{watch: o}
	r.otherCPU(&checkpoint.State{ISA: cpu.Current().String()}) // of before architectures were noted
	if len(o.warned) != 0 {
		t.Errorf("warned %q", o.warned)
	}
	r.otherCPU(&checkpoint.State{ISA: cpu.Current().String(), Arch: "riscv64"})
	if len(o.warned) != 1 || !strings.Contains(o.warned[0], "on riscv64") || !strings.Contains(o.warned[0], "last bits") {
		t.Errorf("warned %q", o.warned)
	}
}
