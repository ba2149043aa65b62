package data

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// chunk is one of a PNG, with its checksum.
func chunk(kind string, content []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(content)))
	body := append([]byte(kind), content...)
	return binary.BigEndian.AppendUint32(append(b, body...), crc32.ChecksumIEEE(body))
}

// pngClaiming is a PNG whose header is right and says w×h pixels of 16 bits, followed by next to nothing.
func pngClaiming(w, h uint32) []byte {
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	b := append([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", append(head, 16, 6, 0, 0, 0))...)
	return append(b, chunk("IDAT", []byte{0x78, 0x9c, 0x63})...)
}

// jpegClaiming changes the size in the header of a small JPEG.
func jpegClaiming(t *testing.T, w, h uint16) []byte {
	b := jpegBytes(t, picture(8, 8, grey))
	at := bytes.Index(b, []byte{0xff, 0xc0})
	if at < 0 {
		t.Fatal("no frame header")
	}
	binary.BigEndian.PutUint16(b[at+5:], h)
	binary.BigEndian.PutUint16(b[at+7:], w)
	return b
}

func bmpClaiming(w, h uint32) []byte {
	b := make([]byte, 54)
	copy(b, "BM")
	binary.LittleEndian.PutUint32(b[10:], 54)
	binary.LittleEndian.PutUint32(b[14:], 40)
	binary.LittleEndian.PutUint32(b[18:], w)
	binary.LittleEndian.PutUint32(b[22:], h)
	b[26], b[28] = 1, 24
	return b
}

// TestBombs opens small files that would fill much memory: in every format that compresses. Each is refused soon, within
// memory near its size.
func TestBombs(t *testing.T) {
	if testing.Short() {
		t.Skip("makes files of 64 MiB")
	}
	const large = 64 << 20
	zeros := make([]byte, large)
	good := pngBytes(t, picture(4, 4, red))
	y := writeFile(t, "y", idxBytes([]int{large / 784}, make([]byte, large/784)))
	x := tensor.New(tensor.Float32, large/4/784, 784)
	npz := func(method uint16) string {
		return "npz:" + writeFile(t, "x.npz", zipBytes(t, method, namedFile{"x.npy", npyOf(x)}, namedFile{"label.npy", npyOf(tensor.New(tensor.Int64, large/4/784))}))
	}
	images := func(name string, content []byte) string {
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, "a", "0.png"), good)
		writeFile(t, filepath.Join(dir, "b", name), content)
		return "imagefolder:" + dir
	}
	tgz := func(headers []tar.Header, contents ...[]byte) string {
		return "imagefolder:" + writeFile(t, "a.tgz", gzipBytes(t, tarBytes(t, headers, contents...)))
	}
	two := func(name string) []tar.Header {
		return []tar.Header{{Name: "a/0.png", Typeflag: tar.TypeReg}, {Name: name, Typeflag: tar.TypeReg}}
	}
	gz := writeFile(t, "x.gz", gzipBytes(t, idxBytes([]int{large / 784, 28, 28}, zeros[:large/784*784])))
	cut, err := os.ReadFile(gz)
	must(t, err)
	for _, c := range []struct{ name, spec, message string }{
		{"gzip", "idx:" + gz + "," + y, "look like a bomb"},
		{"gzip that goes on", "idx:" + writeFile(t, "x.gz", gzipBytes(t, append(idxBytes([]int{1, 28, 28}, zeros[:784]), zeros...))) + "," + y, "more bytes than"},
		{"gzip cut off", "idx:" + writeFile(t, "x.gz", cut[:len(cut)/2]) + "," + y, "look like a bomb"},
		{"npz", npz(zip.Deflate), "look like a bomb"},
		{"tar.gz of an image", tgz(two("b/1.png"), good, zeros[:60<<20]), "?max="},
		{"tar.gz of something else", tgz(append(two("readme"), tar.Header{Name: "b/1.png", Typeflag: tar.TypeReg}), good, zeros, good), "bomb"},
		{"PNG header", images("1.png", pngClaiming(8000, 8000)), "8000×8000"},
		{"PNG", images("1.png", blank(t)), "bomb"},
		{"JPEG", images("1.jpg", jpegClaiming(t, 8000, 8000)), "8000×8000"},
		{"JPEG beyond all limits", images("1.jpg", jpegClaiming(t, 65500, 65500)), "at most"},
		{"GIF", images("1.gif", append([]byte("GIF89a"), 0x40, 0x1f, 0x40, 0x1f, 0, 0, 0, ',')), "8000×8000"},
		{"BMP", images("1.bmp", bmpClaiming(8000, 8000)), "8000×8000"},
		{"BMP upside down", images("1.bmp", bmpClaiming(8000, 1<<32-8000)), "image"},
		{"WebP", images("1.webp", []byte("RIFF\x20\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\xff\xff\xff\x0f\x00\x00\x00\x00\x00\x00\x00\x00")), "image"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := time.Now()
			err := openAndRead(c.spec, 1)
			took := time.Since(began)
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), c.message) {
				t.Errorf("error %v, want one that mentions %q", err, c.message)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 40<<20 {
				t.Errorf("%d MiB were allocated", n>>20)
			}
			if took > 2*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
	// Whoever knows the files says so.
	for _, spec := range []string{"idx:" + gz + "," + y + "?max=100000000", npz(zip.Deflate) + "?max=100000000", npz(zip.Store)} {
		if err := openAndRead(spec, 0); err != nil {
			t.Error(err)
		}
	}
}

// blank is 8000×8000 white pixels in some kilobytes.
func blank(t *testing.T) []byte {
	p := image.NewPaletted(image.Rect(0, 0, 8000, 8000), color.Palette{color.White})
	var b bytes.Buffer
	must(t, (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, p))
	return b.Bytes()
}

// openAndRead opens a data set for a small image model, or one of 784 numbers, and reads one example.
func openAndRead(spec string, i int) error {
	w := wantImages(10, 1, 28, 28)
	if strings.HasPrefix(spec, "npz") {
		w = Want{Inputs: []Field{{"x", tensor.Float32, tensor.Shape{784}}}}
	}
	d, err := Open(spec, w, false, 0)
	if err != nil {
		return err
	}
	defer d.Close()
	var dst []*tensor.Tensor
	for _, f := range d.Fields() {
		dst = append(dst, tensor.New(f.DType, f.Shape...))
	}
	return d.Read(i, NewRand(0, 0, 0), dst)
}

// TestArchivesAreNotUnpacked reads archives whose entries would land elsewhere (CVE-2024-5187), or are links and devices: none
// is read, and nothing is written.
func TestArchivesAreNotUnpacked(t *testing.T) {
	good := pngBytes(t, picture(4, 4, red))
	outside := t.TempDir()
	secret := writeFile(t, filepath.Join(outside, "secret", "s.png"), good)
	headers := []tar.Header{
		{Name: "a/0.png", Typeflag: tar.TypeReg}, {Name: "b/1.png", Typeflag: tar.TypeReg},
		{Name: "../evil/2.png", Typeflag: tar.TypeReg}, {Name: "/" + outside + "/evil/3.png", Typeflag: tar.TypeReg},
		{Name: "a/../../evil/4.png", Typeflag: tar.TypeReg}, {Name: "b/up", Typeflag: tar.TypeSymlink, Linkname: "../.."},
		{Name: "b/5.png", Typeflag: tar.TypeSymlink, Linkname: secret}, {Name: "b/6.png", Typeflag: tar.TypeLink, Linkname: secret},
		{Name: "b/7.png", Typeflag: tar.TypeFifo}, {Name: "b/8.png", Typeflag: tar.TypeBlock}, {Name: "b/9.png/", Typeflag: tar.TypeDir},
	}
	dir := filepath.Join(outside, "data")
	raw := tarBytes(t, headers, good, good, good, good, good)
	for name, content := range map[string][]byte{"a.tar": raw, "a.tgz": gzipBytes(t, raw)} {
		d, err := Open("imagefolder:"+writeFile(t, filepath.Join(dir, name), content), wantImages(2, 3, 4, 4), false, 0)
		if err != nil {
			t.Fatal(err)
		}
		if d.Len() != 2 {
			t.Errorf("%s: %d images instead of the 2 that lie inside", name, d.Len())
		}
		d.Close()
	}
	for _, name := range []string{"../x.npy", "/x.npy", "label.npy"} { // names of a zip are keys, never paths
		z := zipBytes(t, zip.Deflate, namedFile{name, npyOf(tensor.New(tensor.Float32, 2, 3))})
		if _, err := Open("npz:"+writeFile(t, filepath.Join(dir, "a.npz"), z), Want{Inputs: []Field{{"x", tensor.Float32, tensor.Shape{3}}}}, false, 0); err == nil {
			t.Errorf("%s was taken for the input", name)
		}
	}
	var found []string
	must(t, filepath.Walk(outside, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			found = append(found, filepath.Base(path))
		}
		return err
	}))
	if got := strings.Join(found, " "); got != "a.npz a.tar a.tgz s.png" {
		t.Errorf("there are now %s", got)
	}
}

// TestFoldersKeepToThemselves has links out of a folder of images, and what is no file, in the place of images.
func TestFoldersKeepToThemselves(t *testing.T) {
	good := pngBytes(t, picture(4, 4, red))
	secret := writeFile(t, "secret.png", good)
	for _, c := range []struct {
		name string
		make func(path string) error
	}{
		{"link", func(path string) error { return os.Symlink(secret, path) }},
		{"pipe", func(path string) error { return syscall.Mkfifo(path, 0o600) }},
		{"folder", func(path string) error { return os.Mkdir(path, 0o700) }},
		{"loop", func(path string) error { return os.Symlink(filepath.Base(path), path) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, "a", "0.png"), good)
			writeFile(t, filepath.Join(dir, "b", "1.png"), good)
			must(t, c.make(filepath.Join(dir, "b", "0.png")))
			done := make(chan error, 1)
			go func() { done <- openAndRead("imagefolder:"+dir, 1) }()
			select {
			case err := <-done:
				if c.name != "folder" && err == nil {
					t.Error("it was read")
				}
			case <-time.After(5 * time.Second):
				t.Error("it waits")
			}
		})
	}
}
