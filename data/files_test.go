package data

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// The files that the tests read, made in memory.

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func writeFile(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := name
	if !filepath.IsAbs(name) {
		path = filepath.Join(t.TempDir(), name)
	}
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, content, 0o644))
	return path
}

// npyBytes is a version 1 .npy file.
func npyBytes(descr string, fortran bool, shape string, elements []byte) []byte {
	order := "False"
	if fortran {
		order = "True"
	}
	dict := fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': (%s), }", descr, order, shape)
	dict += strings.Repeat(" ", 63-(10+len(dict))%64) + "\n"
	out := append([]byte("\x93NUMPY\x01\x00"), byte(len(dict)), byte(len(dict)>>8))
	return append(append(out, dict...), elements...)
}

func npyOf(t *tensor.Tensor) []byte {
	descr := map[tensor.DType]string{tensor.Float32: "<f4", tensor.Float64: "<f8", tensor.Int64: "<i8", tensor.Int32: "<i4", tensor.Uint8: "|u1", tensor.Bool: "|b1"}[t.DType]
	dims := make([]string, len(t.Shape))
	for i, d := range t.Shape {
		dims[i] = fmt.Sprint(d, ",")
	}
	return npyBytes(descr, false, strings.Join(dims, ""), t.Data)
}

type namedFile struct {
	name    string
	content []byte
}

func zipBytes(t testing.TB, method uint16, files ...namedFile) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		w, err := z.CreateHeader(&zip.FileHeader{Name: f.name, Method: method})
		must(t, err)
		_, err = w.Write(f.content)
		must(t, err)
	}
	must(t, z.Close())
	return b.Bytes()
}

func tarBytes(t testing.TB, headers []tar.Header, contents ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i, h := range headers {
		var content []byte
		if i < len(contents) {
			content = contents[i]
		}
		h.Size, h.Mode = int64(len(content)), 0o644
		must(t, w.WriteHeader(&h))
		_, err := w.Write(content)
		must(t, err)
	}
	must(t, w.Close())
	return b.Bytes()
}

func gzipBytes(t testing.TB, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(content)
	must(t, err)
	must(t, w.Close())
	return b.Bytes()
}

func idxBytes(shape []int, content []byte) []byte {
	out := []byte{0, 0, 8, byte(len(shape))}
	for _, d := range shape {
		out = binary.BigEndian.AppendUint32(out, uint32(d))
	}
	return append(out, content...)
}

// picture is an image of one colour.
func picture(w, h int, c color.Color) image.Image {
	p := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			p.Set(x, y, c)
		}
	}
	return p
}

func pngBytes(t testing.TB, p image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	must(t, png.Encode(&b, p))
	return b.Bytes()
}

func jpegBytes(t testing.TB, p image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	must(t, jpeg.Encode(&b, p, nil))
	return b.Bytes()
}

// readOne reads example i with the random stream of epoch 0.
func readOne(t testing.TB, d Dataset, i int) []*tensor.Tensor {
	t.Helper()
	var dst []*tensor.Tensor
	for _, f := range d.Fields() {
		dst = append(dst, tensor.New(f.DType, f.Shape...))
	}
	must(t, d.Read(i, NewRand(1, 0, uint64(i)), dst))
	return dst
}
