package onnxload

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// conformanceFiles calls visit with every file of the ONNX backend test cases, when they are there.
func conformanceFiles(t *testing.T, visit func(name string, b []byte)) {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "shared", "conformance", "onnx-backend-tests.tar.gz"))
	if err != nil {
		t.Skipf("the ONNX backend test cases are not here: %v", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		visit(h.Name, b)
	}
}

// TestConformanceFilesLoadOrSayWhatIsNotSupported reads every model of the ONNX backend test cases, and the tensors of
// those that load.
func TestConformanceFilesLoadOrSayWhatIsNotSupported(t *testing.T) {
	models, refused := 0, map[string]bool{} // by the case's folder
	tensors := map[string][]byte{}
	say := func(err error) bool {
		if err != nil && !strings.Contains(err.Error(), "supported") {
			t.Errorf("%v", err)
		}
		return err != nil
	}
	conformanceFiles(t, func(name string, b []byte) {
		switch base := path.Base(name); {
		case base == "model.onnx":
			models++
			m, err := Decode(name, b)
			if err == nil {
				_, err = m.NewGraph()
			}
			refused[path.Dir(name)] = say(err)
		case strings.HasSuffix(base, ".pb"):
			tensors[name] = b
		}
	})
	read, unsupported := 0, 0
	for name, b := range tensors {
		if refused[path.Dir(path.Dir(name))] { // such files may hold sequences
			continue
		}
		read++
		if _, err := DecodeTensor(name, b); say(err) {
			unsupported++
		}
	}
	loaded := 0
	for _, r := range refused {
		if !r {
			loaded++
		}
	}
	t.Logf("%d of %d models load; of their %d tensors %d are not supported", loaded, models, read, unsupported)
	if loaded < 1200 || unsupported > 10 {
		t.Errorf("%d models load, %d tensors are refused", loaded, unsupported)
	}
}
