package onnxload

import (
	"os"
	"path/filepath"
	"testing"
)

func BenchmarkOpen(b *testing.B) {
	for _, name := range []string{"resnet20", "gpt"} {
		b.Run(name, func(b *testing.B) {
			path := filepath.Join("..", "models", name+".onnx")
			info, err := os.Stat(path)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(info.Size())
			b.ReportAllocs()
			for b.Loop() {
				m, err := Open(path, Options{})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := m.NewGraph(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSave(b *testing.B) {
	m, err := Open(filepath.Join("..", "models", "resnet20.onnx"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(b.TempDir(), "out.onnx")
	for b.Loop() {
		if err := m.Save(path, Weights{Overwrite: true}); err != nil {
			b.Fatal(err)
		}
	}
}
