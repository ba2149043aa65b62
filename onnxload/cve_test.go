package onnxload

import (
	"bytes"
	"crypto/sha1"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/onnxtrain/onnxtrain/onnxload/internal/onnxpb"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// jail is a model's folder with a secret beside it: external data must never come from the secret, and no file may be
// written there.
type jail struct {
	dir, outside, secret string
}

var (
	inside  = tensor.Vector[float32](1, 2, 3, 4)
	secrets = tensor.Vector[float32](666, 666, 666, 666)
)

func newJail(t *testing.T) jail {
	t.Helper()
	outside := t.TempDir()
	j := jail{filepath.Join(outside, "model"), outside, filepath.Join(outside, "secret.bin")}
	write(t, filepath.Join(j.dir, "w.bin"), inside.Data)
	write(t, j.secret, secrets.Data)
	return j
}

func (j jail) link(t *testing.T, to, name string) {
	t.Helper()
	if err := os.Symlink(to, filepath.Join(j.dir, name)); err != nil {
		t.Fatal(err)
	}
}

// open opens a model with one external tensor and returns its elements.
func (j jail) open(t *testing.T, p *onnxpb.TensorProto, o Options) ([]float32, error) {
	t.Helper()
	m, err := Open(write(t, filepath.Join(j.dir, "m.onnx"), encode(t, sumOf(p))), o)
	if err != nil {
		return nil, err
	}
	return valueNamed(t, mustGraph(t, m), "w").Init.F32(), nil
}

func (j jail) refuses(t *testing.T, p *onnxpb.TensorProto, want string) {
	t.Helper()
	x, err := j.open(t, p, Options{})
	if err == nil {
		t.Fatalf("it was read: %v", x)
	}
	wantError(t, err.Error(), want)
}

func at(location string) *onnxpb.TensorProto { return external("w", location, 4, -1, -1) }

// TestPublishedVulnerabilities tries what was found in readers and writers of ONNX files, one case each.
func TestPublishedVulnerabilities(t *testing.T) {
	t.Run("CVE-2022-25882 dots", func(t *testing.T) {
		newJail(t).refuses(t, at("../secret.bin"), "only files in the model's folder")
	})
	t.Run("CVE-2024-27318 dots after a folder", func(t *testing.T) {
		j := newJail(t)
		write(t, filepath.Join(j.dir, "a", "x"), nil)
		for _, location := range []string{"a/../../secret.bin", "./a/.././../secret.bin", "a/../../model/../secret.bin"} {
			j.refuses(t, at(location), "only files in the model's folder")
		}
		if x, err := j.open(t, at("a/../w.bin"), Options{}); err != nil || x[0] != 1 {
			t.Errorf("a path that stays inside: %v, %v", x, err)
		}
	})
	t.Run("CVE-2026-27489 link to a file", func(t *testing.T) {
		j := newJail(t)
		j.link(t, "../secret.bin", "link.bin")
		j.link(t, j.secret, "absolute.bin")
		j.link(t, "link.bin", "second.bin")
		for _, name := range []string{"link.bin", "absolute.bin", "second.bin"} {
			j.refuses(t, at(name), "escapes")
		}
		j.link(t, "w.bin", "inner.bin")
		if x, err := j.open(t, at("inner.bin"), Options{}); err != nil || x[0] != 1 {
			t.Errorf("a link that stays inside: %v, %v", x, err)
		}
	})
	t.Run("CVE-2026-34447 link to a folder", func(t *testing.T) {
		j := newJail(t)
		j.link(t, "..", "up")
		j.link(t, j.outside, "absolute")
		write(t, filepath.Join(j.dir, "sub", "x"), nil)
		if err := os.Symlink("../..", filepath.Join(j.dir, "sub", "up")); err != nil {
			t.Fatal(err)
		}
		for _, location := range []string{"up/secret.bin", "absolute/secret.bin", "sub/up/secret.bin", "up/model/../secret.bin"} {
			j.refuses(t, at(location), "external data")
		}
	})
	t.Run("CVE-2026-34446 hard link", func(t *testing.T) {
		j := newJail(t)
		if err := os.Link(j.secret, filepath.Join(j.dir, "hard.bin")); err != nil {
			t.Skipf("no hard links here: %v", err)
		}
		j.refuses(t, at("hard.bin"), "hard link")
		if x, err := j.open(t, at("hard.bin"), Options{HardLinks: true}); err != nil || x[0] != 666 {
			t.Errorf("allowed: %v, %v", x, err)
		}
	})
	t.Run("CVE-2026-34445 keys", func(t *testing.T) {
		j := newJail(t)
		for _, key := range []string{"__class__", "basepath", "length ", "Location", "", "size"} {
			p := at("w.bin")
			p.ExternalData = append(p.ExternalData, entry(key, "1"))
			j.refuses(t, p, "there are location, offset, length and checksum")
		}
		for _, key := range []string{"location", "length"} {
			p := external("w", "w.bin", 4, 0, 16)
			p.ExternalData = append(p.ExternalData, entry(key, "16"))
			j.refuses(t, p, "two entries")
		}
		for _, number := range []string{"1e3", "-16", "9223372036854775808", "18446744073709551600", " 16", "0x10", "１６"} {
			p := at("w.bin")
			p.ExternalData = append(p.ExternalData, entry("length", number))
			j.refuses(t, p, "external data")
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		p := external("w", "w.bin", 1<<33, 0, 1<<35)
		j.refuses(t, p, "of a file of 16")
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
			t.Errorf("%d bytes were allocated for a file of 16", n)
		}
	})
	t.Run("devices and pipes", func(t *testing.T) {
		j := newJail(t)
		if err := syscall.Mkfifo(filepath.Join(j.dir, "pipe"), 0o600); err != nil {
			t.Fatal(err)
		}
		j.refuses(t, at("pipe"), "not a regular file")
		if err := syscall.Mknod(filepath.Join(j.dir, "zero"), syscall.S_IFCHR|0o600, 1<<8|5); err != nil {
			t.Logf("no device made: %v", err)
			return
		}
		j.refuses(t, at("zero"), "external data")
	})
	t.Run("CVE-2025-51480 writing", writesStayInPlace)
}

// writesStayInPlace saves models that name files elsewhere, to paths that are links: only the file that was asked for, and
// its data beside it, may come out.
func writesStayInPlace(t *testing.T) {
	j := newJail(t)
	m, err := Open(write(t, filepath.Join(j.dir, "m.onnx"), encode(t, sumOf(at("w.bin")))), Options{})
	if err != nil {
		t.Fatal(err)
	}
	tiny := saver{limit: 1} // all tensors go into a file of their own
	// A link in the place of the model is replaced, and what it leads to stays.
	j.link(t, "../secret.bin", "out.onnx")
	if err := m.Save(filepath.Join(j.dir, "out.onnx"), Weights{}); err == nil {
		t.Error("a link was replaced without permission")
	}
	if err := m.Save(filepath.Join(j.dir, "out.onnx"), Weights{Overwrite: true}); err != nil {
		t.Error(err)
	}
	if info, err := os.Lstat(filepath.Join(j.dir, "out.onnx")); err != nil || !info.Mode().IsRegular() {
		t.Errorf("out.onnx is %v, %v", info.Mode(), err)
	}
	// A link in the place of the data is passed by.
	big := sumOf(at("w.bin"))
	big.Graph.Initializer[0].Dims = []int64{1024}
	write(t, filepath.Join(j.dir, "w.bin"), make([]byte, 4096))
	if m, err = Open(write(t, filepath.Join(j.dir, "m.onnx"), encode(t, big)), Options{}); err != nil {
		t.Fatal(err)
	}
	j.link(t, "../secret.bin", "big.onnx.data")
	j.link(t, "../made.bin", "big.onnx.2.data")
	tiny.limit = 4000
	if err := m.save(filepath.Join(j.dir, "big.onnx"), Weights{}, tiny); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(filepath.Join(j.dir, "big.onnx.3.data")); err != nil || !info.Mode().IsRegular() {
		t.Errorf("the data: %v", err)
	}
	// Where the weights were read from has no part in where they are written.
	for _, location := range []string{"../secret.bin", "/tmp/x", "secret.bin"} {
		p := &onnxpb.ModelProto{}
		b, err := os.ReadFile(filepath.Join(j.dir, "big.onnx"))
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Unmarshal(b); err != nil {
			t.Fatal(err)
		}
		p.Graph.Initializer[0].ExternalData[0] = entry("location", location)
		over := write(t, filepath.Join(j.dir, "over.onnx"), encode(t, p))
		if err := m.save(over, Weights{Overwrite: true}, tiny); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := os.ReadFile(j.secret); err != nil || !bytes.Equal(b, secrets.Data) {
		t.Errorf("the file outside was written to, or removed: %v", err)
	}
	entries, err := os.ReadDir(j.outside)
	if err != nil || len(entries) != 2 {
		t.Errorf("outside there are %v, %v", entries, err)
	}
}

func TestChecksumOfExternalData(t *testing.T) {
	j := newJail(t)
	sum := fmt.Sprintf("%x", sha1.Sum(inside.Data))
	for _, c := range []struct{ sum, want string }{{sum, ""}, {strings.ToUpper(sum), ""}, {"00" + sum[2:], "the model says 00"}} {
		p := at("w.bin")
		p.ExternalData = append(p.ExternalData, entry("checksum", c.sum))
		if _, err := j.open(t, p, Options{}); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.sum, err)
		}
	}
}

// TestLinksIntoAllowedFolders reads what huggingface_hub caches, and a folder that is named.
func TestLinksIntoAllowedFolders(t *testing.T) {
	cache := t.TempDir()
	blob := write(t, filepath.Join(cache, "blobs", "5f2a"), inside.Data)
	write(t, filepath.Join(cache, "secret.bin"), secrets.Data)
	snapshot := filepath.Join(cache, "snapshots", "0123")
	model := write(t, filepath.Join(snapshot, "m.onnx"), encode(t, sumOf(at("m.onnx_data"))))
	link := func(to string) {
		t.Helper()
		name := filepath.Join(snapshot, "m.onnx_data")
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if err := os.Symlink(to, name); err != nil {
			t.Fatal(err)
		}
	}
	link("../../blobs/5f2a")
	if _, err := Open(model, Options{}); err != nil {
		t.Error(err)
	}
	link("../../secret.bin")
	if _, err := Open(model, Options{}); err == nil {
		t.Error("a link out of the cache was followed")
	}
	link("../../blobs/../secret.bin")
	if _, err := Open(model, Options{}); err == nil {
		t.Error("a link out of the cache was followed")
	}
	elsewhere := t.TempDir()
	other := write(t, filepath.Join(elsewhere, "m.onnx"), encode(t, sumOf(at("m.onnx_data"))))
	if err := os.Symlink(blob, filepath.Join(elsewhere, "m.onnx_data")); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(other, Options{}); err == nil {
		t.Error("a link into another folder was followed")
	}
	if _, err := Open(other, Options{Roots: []string{filepath.Join(cache, "blobs")}}); err != nil {
		t.Error(err)
	}
	if _, err := Open(other, Options{Roots: []string{snapshot}}); err == nil {
		t.Error("a link into a folder that was not named was followed")
	}
}

// TestExchangedWhileOpening exchanges a file for a link out of the folder, again and again, while the model is opened.
// ONNXTRAIN_LONG exchanges them a hundred thousand times.
func TestExchangedWhileOpening(t *testing.T) {
	times := 500
	if long := os.Getenv("ONNXTRAIN_LONG"); long != "" {
		if times, _ = strconv.Atoi(long); times < 2 {
			times = 100_000
		}
	}
	j := newJail(t)
	model := write(t, filepath.Join(j.dir, "m.onnx"), encode(t, sumOf(at("sub/x.bin"))))
	write(t, filepath.Join(j.dir, "sub", "x.bin"), inside.Data)
	write(t, filepath.Join(j.outside, "sub", "x.bin"), secrets.Data)
	if err := os.Symlink("../sub", filepath.Join(j.dir, "evil")); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var exchanges sync.WaitGroup
	exchanges.Go(func() {
		defer close(done)
		a, b, c := filepath.Join(j.dir, "sub"), filepath.Join(j.dir, "evil"), filepath.Join(j.dir, "third")
		for range times {
			for _, move := range [][2]string{{a, c}, {b, a}, {c, b}} { // the folder and the link change places
				if err := os.Rename(move[0], move[1]); err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
	opened, refused := 0, 0
	for more := true; more; {
		select {
		case <-done:
			more = false
		default:
		}
		m, err := Open(model, Options{Roots: []string{j.dir}})
		if err != nil {
			refused++
			continue
		}
		opened++
		if x := valueNamed(t, mustGraph(t, m), "w").Init.F32(); x[0] != 1 {
			t.Fatalf("what was read lies outside: %v", x)
		}
	}
	exchanges.Wait()
	t.Logf("%d exchanges, opened %d times, refused %d times", times, opened, refused)
}
