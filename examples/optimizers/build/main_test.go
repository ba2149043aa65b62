package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestCommittedFiles compares what this program writes with what make.py wrote.
func TestCommittedFiles(t *testing.T) {
	dir := t.TempDir()
	for _, optimizer := range all {
		o := optimizer()
		if err := write(dir, o); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(dir, o.Name+".onnx"))
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join("..", o.Name+".onnx"))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			at := 0
			for at < min(len(got), len(want)) && got[at] == want[at] {
				at++
			}
			t.Errorf("%s.onnx differs from byte %d on: %d bytes, the committed file has %d\n%.60q\n%.60q", o.Name, at, len(got), len(want), got[at:], want[at:])
		}
	}
	if len(all) != 5 {
		t.Errorf("%d optimizers", len(all))
	}
}
