package onnxload

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// modelFiles are the models of the repository.
func modelFiles(t testing.TB) []string {
	t.Helper()
	var files []string
	for _, pattern := range []string{"../models/*.onnx", "../testdata/exports/*.onnx"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v, %v", pattern, found, err)
		}
		files = append(files, found...)
	}
	return files
}

// TestDecodingAndEncodingKeepsEveryByte holds for files whose fields are in order, as all writers put them.
func TestDecodingAndEncodingKeepsEveryByte(t *testing.T) {
	for _, file := range modelFiles(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			m, err := Open(file, Options{})
			if err != nil {
				t.Fatal(err)
			}
			got, err := m.proto.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%d bytes became %d other ones", len(want), len(got))
			}
			g, err := m.NewGraph()
			if err != nil {
				t.Fatal(err)
			}
			if err := g.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}
