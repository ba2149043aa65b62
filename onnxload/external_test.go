package onnxload

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/onnxtrain/onnxtrain/onnxload/internal/onnxpb"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// external is an initializer of n floats at an offset of a file; negative offset and length are left out.
func external(name, location string, n, offset, length int) *onnxpb.TensorProto {
	p := &onnxpb.TensorProto{Name: &name, DataType: ptr[int32](1), Dims: []int64{int64(n)},
		DataLocation: ptr(onnxpb.TensorProto_EXTERNAL)}
	p.ExternalData = append(p.ExternalData, entry("location", location))
	if offset >= 0 {
		p.ExternalData = append(p.ExternalData, entry("offset", fmt.Sprint(offset)))
	}
	if length >= 0 {
		p.ExternalData = append(p.ExternalData, entry("length", fmt.Sprint(length)))
	}
	return p
}

func sumOf(initializers ...*onnxpb.TensorProto) *onnxpb.ModelProto {
	last := "x"
	var nodes []*onnxpb.NodeProto
	for i, p := range initializers {
		next := fmt.Sprintf("y%d", i)
		nodes = append(nodes, node("Add", last+","+p.GetName(), next))
		last = next
	}
	return file(graphOf("x", last, initializers, nodes...))
}

func TestExternalData(t *testing.T) {
	dir := t.TempDir()
	data := tensor.Vector[float32](1, 2, 3, 4).Data
	write(t, filepath.Join(dir, "w.bin"), data)
	write(t, filepath.Join(dir, "sub", "w.bin"), data)
	path := write(t, filepath.Join(dir, "m.onnx"), encode(t, sumOf(external("a", "w.bin", 2, -1, -1), external("b",
		"w.bin", 2, 8, 8),
		external("c", "sub/w.bin", 1, 4, 4), external("d", "w.bin", 2, 8, -1), external("e", "w.bin", 0, 16, 0))))
	m, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	g := mustGraph(t, m)
	for name, want := range map[string][]float32{"a": {1, 2}, "b": {3, 4}, "c": {2}, "d": {3, 4}, "e": {}} {
		if got := valueNamed(t, g, name).Init.F32(); !slices.Equal(got, want) {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
	b, d := valueNamed(t, g, "b").Init, valueNamed(t, g, "d").Init
	if unsafe.SliceData(b.Data) != unsafe.SliceData(d.Data) {
		t.Error("the same range was read twice")
	}
}

func TestExternalDataThatIsRefused(t *testing.T) {
	outer := t.TempDir()
	dir := filepath.Join(outer, "model")
	data := tensor.Vector[float32](1, 2, 3, 4).Data
	secret := write(t, filepath.Join(outer, "secret.bin"), data)
	write(t, filepath.Join(dir, "w.bin"), data)
	for link, to := range map[string]string{"out.bin": "../secret.bin", "abs.bin": secret, "up": ".."} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(secret, filepath.Join(dir, "hard.bin")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(dir, "hole.bin"))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(1 << 40); err != nil {
		t.Fatal(err)
	}
	f.Close()
	noLocation := external("w", "", 4, -1, -1)
	noLocation.ExternalData = nil
	badOffset := external("w", "w.bin", 4, -1, -1)
	badOffset.ExternalData = append(badOffset.ExternalData, entry("offset", "0x10"))
	for _, c := range []struct {
		name string
		p    *onnxpb.TensorProto
		want string
	}{
		{"dots", external("w", "../secret.bin", 4, -1, -1),
			`external data is at "../secret.bin"; only files in the model's folder are read`},
		{"inner dots", external("w", "a/../../secret.bin", 4, -1, -1), "only files in the model's folder"},
		{"absolute", external("w", secret, 4, -1, -1), "only files in the model's folder"},
		{"backslash", external("w", `..\secret.bin`, 4, -1, -1), "only files in the model's folder"},
		{"NUL", external("w", "w.bin\x00.txt", 4, -1, -1), "only files in the model's folder"},
		{"link out", external("w", "out.bin", 4, -1, -1), "escapes"},
		{"absolute link", external("w", "abs.bin", 4, -1, -1), "escapes"},
		{"folder link", external("w", "up/secret.bin", 4, -1, -1), "escapes"},
		{"hard link", external("w", "hard.bin", 4, -1, -1), "2 names (hard links), of which one may be outside"},
		{"folder", external("w", ".", 4, -1, -1), "not a regular file"},
		{"pipe", external("w", "pipe", 4, -1, -1), "not a regular file"},
		{"missing", external("w", "gone.bin", 4, -1, -1), "no such file"},
		{"no location", noLocation, "external data has no location"},
		{"offset", badOffset, `external data has offset "0x10"`},
		{"short file", external("w", "w.bin", 5, -1, -1), `external data "w.bin": bytes 0 to 20 of a file of 16`},
		{"offset past the end", external("w", "w.bin", 1, 16, 4), "bytes 16 to 20 of a file of 16"},
		{"huge offset", external("w", "w.bin", 1, 1<<62, 4), "of a file of 16"},
		{"length", external("w", "w.bin", 4, 0, 8), "external data has 8 bytes, the tensor takes 16"},
		{"larger than memory", external("w", "hole.bin", 1<<37, 0, -1),
			"are more than the limit, of which"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := write(t, filepath.Join(dir, "m.onnx"), encode(t, sumOf(c.p)))
			begin := time.Now()
			_, err := Open(path, Options{})
			wantError(t, fmt.Sprint(err), path+`: tensor "w": `, c.want)
			if d := time.Since(begin); d > 5*time.Second {
				t.Errorf("it took %v", d)
			}
		})
	}
}

func TestExternalRangesAreLimitedTogether(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "w.bin"), make([]byte, 64))
	path := write(t, filepath.Join(dir, "m.onnx"), encode(t, sumOf(external("a", "w.bin", 8, 0, 32), external("b",
		"w.bin", 8, 4, 32))))
	if _, err := Open(path, Options{MaxTensors: 64}); err != nil {
		t.Error(err)
	}
	_, err := Open(path, Options{MaxTensors: 63})
	wantError(t, fmt.Sprint(err), `tensor "b": external data "w.bin": 32 bytes are more than the limit, of which 31 are left`)
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe.onnx")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	large := write(t, filepath.Join(dir, "large.onnx"), nil)
	if err := os.Truncate(large, 3<<30); err != nil {
		t.Fatal(err)
	}
	small := write(t, filepath.Join(dir, "small.onnx"), encode(t, sumOf(initializer("w", row(1, 2)))))
	for _, c := range []struct {
		path string
		o    Options
		want string
	}{
		{filepath.Join(dir, "gone.onnx"), Options{}, "gone.onnx: no such file"},
		{dir, Options{}, "is not a regular file"},
		{pipe, Options{}, "is not a regular file"},
		{large, Options{}, "large.onnx: 3221225472 bytes; an ONNX file is at most 2 GiB, so export larger models with external data"},
		{small, Options{MaxFile: 10}, "are more than the limit of 10"},
		{write(t, filepath.Join(dir, "empty.onnx"), nil), Options{}, "empty.onnx: the file holds no graph"},
		{write(t, filepath.Join(dir, "text.onnx"), []byte("hello, world\n")), Options{},
			"text.onnx: not an ONNX file, or damaged: byte "},
		{write(t, filepath.Join(dir, "lfs.onnx"), []byte("version https://git-lfs.github.com/spec/v1\noid sha256:00\n")), Options{},
			"lfs.onnx: this is a Git LFS pointer, not the model; fetch it with `git lfs pull`"},
	} {
		_, err := Open(c.path, c.o)
		wantError(t, fmt.Sprint(err), c.want)
	}
}
