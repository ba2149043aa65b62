package data

import (
	"archive/tar"
	"bytes"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/tensor"
)

var (
	red  = color.RGBA{255, 0, 0, 255}
	grey = color.Gray{51}
)

// stores writes the same two classes as a folder, a tar and a gzipped tar, with entries that must be left out.
func stores(t *testing.T) map[string]string {
	t.Helper()
	a, b := jpegBytes(t, picture(8, 8, grey)), pngBytes(t, picture(16, 8, red))
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "images/b/2.png"), b)
	writeFile(t, filepath.Join(dir, "images/a/1.JPG"), a)
	writeFile(t, filepath.Join(dir, "images/a/notes.txt"), a)
	outside := writeFile(t, "outside.png", b)
	must(t, os.Symlink(outside, filepath.Join(dir, "images/a/z.txt")))
	raw := tarBytes(t, []tar.Header{
		{Name: "train/b/2.png", Typeflag: tar.TypeReg}, {Name: "./train/a/1.JPG", Typeflag: tar.TypeReg},
		{Name: "../up/1.png", Typeflag: tar.TypeReg}, {Name: "/abs/1.png", Typeflag: tar.TypeReg},
		{Name: "train/a/link.png", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"},
		{Name: "train/a/dev.png", Typeflag: tar.TypeChar}, {Name: "train/a/._1.png", Typeflag: tar.TypeReg},
	}, b, a, b, b, nil, nil, b)
	return map[string]string{"folder": filepath.Join(dir, "images"), "tar": writeFile(t, "a.tar", raw), "tar.gz": writeFile(t, "a.tar.gz", gzipBytes(t, raw))}
}

func TestImageFolderStores(t *testing.T) {
	for name, path := range stores(t) {
		for _, cache := range []string{"none", "decoded"} {
			d := openData(t, "imagefolder:"+path+"?cache="+cache, wantImages(2, 3, 4, 4), false)
			if d.Len() != 2 || !slices.Equal(d.(Described).ClassNames(), []string{"a", "b"}) {
				t.Fatalf("%s: %d images of %v", name, d.Len(), d.(Described).ClassNames())
			}
			for range 2 {
				got := readOne(t, d, 0)
				if v := got[0].F32()[5]; v < 0.19 || v > 0.21 || got[1].I64()[0] != 0 {
					t.Errorf("%s: %v %v", name, v, got[1].I64())
				}
				got = readOne(t, d, 1)
				if v := got[0].F32(); v[0] != 1 || v[16] != 0 || got[1].I64()[0] != 1 {
					t.Errorf("%s: %v", name, v)
				}
			}
		}
	}
}

func TestImageFolderSplits(t *testing.T) {
	dir := t.TempDir()
	for _, p := range []string{"train/a/1.png", "train/a/2.png", "train/b/1.png", "test/b/1.png"} {
		writeFile(t, filepath.Join(dir, p), pngBytes(t, picture(2, 2, red)))
	}
	w := wantImages(3, 1, -1, -1)
	w.ClassNames = []string{"b", "c", "a"}
	if d := openData(t, "imagefolder:"+dir, w, true); d.Len() != 3 || readOne(t, d, 0)[1].I64()[0] != 2 {
		t.Errorf("train: %d images", d.Len())
	}
	d := openData(t, "imagefolder:"+dir, w, false)
	if d.Len() != 1 || readOne(t, d, 0)[1].I64()[0] != 0 || len(d.(Described).ClassNames()) != 3 {
		t.Errorf("test: %d images of %v", d.Len(), d.(Described).ClassNames())
	}
	if _, err := Open("imagefolder:"+dir+"?split=dev", w, false, 0); err == nil || !strings.Contains(err.Error(), `no outer folder "dev" (there are: test train)`) {
		t.Error(err)
	}
}

// A 3×3 image whose pixels are 10 to 18, and what crop and flip may make of it.
func TestAugmentation(t *testing.T) {
	var pixels []byte
	for i := range 9 {
		pixels = append(pixels, byte(10+i))
	}
	spec := "idx:" + writeFile(t, "x", idxBytes([]int{1, 3, 3}, pixels)) + "," + writeFile(t, "y", idxBytes([]int{1}, []byte{0}))
	possible := map[string]bool{}
	for _, mirror := range []bool{false, true} {
		for dy := -1; dy <= 1; dy++ {
			for dx := -1; dx <= 1; dx++ {
				var out []int
				for y := range 3 {
					for x := range 3 {
						if mirror {
							x = 2 - x
						}
						v := 0
						if sy, sx := y+dy, x+dx; sy >= 0 && sy < 3 && sx >= 0 && sx < 3 {
							v = 10 + 3*sy + sx
						}
						out = append(out, v)
					}
				}
				possible[fmt.Sprint(out)] = true
			}
		}
	}
	for _, train := range []bool{true, false} {
		d := openData(t, spec+"?crop=1&flip=1&mean=0&std=0.00392156862745098", wantImages(10, 1, 3, 3), train)
		seen := map[string]bool{}
		for epoch := range uint64(400) {
			dst := []*tensor.Tensor{tensor.New(tensor.Float32, 1, 3, 3), tensor.New(tensor.Int64)}
			must(t, d.Read(0, NewRand(1, epoch, 0), dst))
			var out []int
			for _, v := range dst[0].F32() {
				out = append(out, int(v+0.5))
			}
			seen[fmt.Sprint(out)] = true
			if !possible[fmt.Sprint(out)] {
				t.Fatalf("impossible image %v", out)
			}
		}
		if want := map[bool]int{true: len(possible), false: 1}[train]; len(seen) != want {
			t.Errorf("train %v: %d different images, want %d", train, len(seen), want)
		}
	}
}

func TestLayoutsAndConversions(t *testing.T) {
	images := writeFile(t, "x", gzipBytes(t, idxBytes([]int{2, 2, 2, 3}, []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})))
	spec := "idx:" + images + "," + writeFile(t, "y", idxBytes([]int{2}, []byte{3, 1})) + "?std=0.00392156862745098"
	for _, c := range []struct {
		name   string
		option string
		shape  tensor.Shape
		want   []float32
	}{
		{"channels first", "", tensor.Shape{3, 2, 2}, []float32{1, 4, 7, 10, 2, 5, 8, 11, 3, 6, 9, 12}},
		{"channels last", "", tensor.Shape{2, 2, 3}, []float32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}},
		{"flat", "", tensor.Shape{12}, []float32{1, 4, 7, 10, 2, 5, 8, 11, 3, 6, 9, 12}},
		{"grey", "", tensor.Shape{1, 2, 2}, []float32{2, 5, 8, 11}},
		{"no channel axis", "", tensor.Shape{2, 2}, []float32{2, 5, 8, 11}},
		{"smaller", "&resize=1", tensor.Shape{1, 1, 1}, []float32{6}},
	} {
		got := readOne(t, openData(t, spec+c.option, wantImages(10, c.shape...), true), 0)
		for i, v := range got[0].F32() {
			if d := v - c.want[i]; d > 1 || d < -1 || c.name[0] == 'c' && (d > 1e-3 || d < -1e-3) {
				t.Errorf("%s: %v, want %v", c.name, got[0].F32(), c.want)
				break
			}
		}
		if got[1].I64()[0] != 3 {
			t.Errorf("%s: label %v", c.name, got[1].I64())
		}
	}
}

func TestTransformTravelsWithTheModel(t *testing.T) {
	spec := "idx:" + writeFile(t, "x", idxBytes([]int{1, 2, 2}, []byte{0, 51, 102, 255})) + "," + writeFile(t, "y", idxBytes([]int{1}, []byte{0}))
	trained := openData(t, spec+"?mean=0.2&std=0.5", wantImages(10, 1, 2, 2), true)
	w := wantImages(10, 1, 2, 2)
	w.Transform = trained.(Described).Transform()
	if p, err := ParseTransform(w.Transform); err != nil || p.Kind != "image" || p.Width != 2 || !slices.Equal(p.Mean, []float64{0.2}) {
		t.Fatalf("%s: %v", w.Transform, err)
	}
	scored := openData(t, spec, w, false)
	if a, b := readOne(t, trained, 0)[0], readOne(t, scored, 0)[0]; !bytes.Equal(a.Data, b.Data) {
		t.Errorf("%v, then %v", a.F32(), b.F32())
	}
	if plain := readOne(t, openData(t, spec+"?mean=0", w, false), 0)[0].F32(); plain[1] != float32(51./255) {
		t.Errorf("an option does not win over the model's transform: %v", plain)
	}
}

func TestCIFARBinary(t *testing.T) {
	dir := t.TempDir()
	record := make([]byte, 3073)
	record[0], record[1], record[1025], record[2049] = 9, 255, 51, 102
	for i := 1; i <= 5; i++ {
		writeFile(t, filepath.Join(dir, fmt.Sprintf("data_batch_%d.bin", i)), bytes.Repeat(record, 3))
	}
	writeFile(t, filepath.Join(dir, "test_batch.bin"), record)
	d := openData(t, "cifar10:"+dir, wantImages(10, 3, 32, 32), true)
	got := readOne(t, d, 14)
	if v := got[0].F32(); d.Len() != 15 || got[1].I64()[0] != 9 || v[0] != 1 || v[1024] != 0.2 || v[2048] != 0.4 {
		t.Errorf("%d records, first pixel %v", d.Len(), []float32{v[0], v[1024], v[2048]})
	}
	if n := openData(t, "cifar10:"+dir, wantImages(10, 3, 32, 32), false).Len(); n != 1 {
		t.Errorf("%d test records", n)
	}
	writeFile(t, filepath.Join(dir, "test_batch.bin"), record[:3000])
	if _, err := Open("cifar10:"+dir, wantImages(10, 3, 32, 32), false, 0); err == nil || !strings.Contains(err.Error(), "test_batch.bin: 3000 bytes") {
		t.Error(err)
	}
}

// gifBomb is a small file that claims many pixels.
func gifBomb() []byte {
	return append([]byte("GIF89a"), 0x60, 0xea, 0x60, 0xea, 0, 0, 0, ',')
}

func TestBadImages(t *testing.T) {
	good := pngBytes(t, picture(4, 4, red))
	class := func(name string) []tar.Header {
		return []tar.Header{{Name: "a/0.png", Typeflag: tar.TypeReg}, {Name: name, Typeflag: tar.TypeReg}}
	}
	y := writeFile(t, "y", idxBytes([]int{2}, []byte{3, 11}))
	idx := func(content []byte) string { return "idx:" + writeFile(t, "x.idx", content) + "," + y }
	for _, c := range []struct{ name, spec, message string }{
		{"broken image", "imagefolder:" + writeFile(t, "a.tar", tarBytes(t, class("b/1.jpg"), good, []byte("\xff\xd8\xff\xe0junk"))), "a.tar: image b/1.jpg: "},
		{"bomb", "imagefolder:" + writeFile(t, "a.tgz", gzipBytes(t, tarBytes(t, class("b/1.gif"), good, gifBomb()))), "60000×60000"},
		{"truncated tar", "imagefolder:" + writeFile(t, "a.tar", tarBytes(t, class("b/1.png"), good, bytes.Repeat(good, 20))[:2000]), "truncated"},
		{"truncated gzip", "imagefolder:" + writeFile(t, "a.tgz", gzipBytes(t, tarBytes(t, class("b/1.png"), good, good))[:90]), "truncated"},
		{"over the limit", "imagefolder:" + writeFile(t, "a.tgz", gzipBytes(t, tarBytes(t, class("b/1.png"), good, make([]byte, 1<<20)))) + "?max=1000", "more than max=1000"},
		{"no classes", "imagefolder:" + writeFile(t, "a.tar", tarBytes(t, []tar.Header{{Name: "1.png", Typeflag: tar.TypeReg}}, good)), "no images in class folders"},
		{"no archive", "imagefolder:" + writeFile(t, "a.tar", []byte("hello")), "a.tar"},
		{"absent", "imagefolder:/nonexistent/a.tar", "no such file"},
		{"one file", "idx:" + y, "want two files"},
		{"no IDX", idx([]byte("hello, world")), "not an IDX file"},
		{"truncated IDX", idx(idxBytes([]int{2, 4, 4}, make([]byte, 31))), "promises 32 bytes: truncated"},
		{"inflated IDX", idx(idxBytes([]int{1 << 31, 1 << 31, 1 << 31}, nil)), "larger than any memory"},
		{"huge IDX", idx(idxBytes([]int{1 << 31, 1 << 10, 1 << 10}, nil)), "more than max"},
		{"longer IDX", idx(idxBytes([]int{2, 4, 4}, make([]byte, 33))), "more bytes than"},
		{"labels as images", "idx:" + y + "," + y, "want images"},
		{"other count", idx(idxBytes([]int{3, 4, 4}, make([]byte, 48))), "want 3 labels"},
		{"label range", idx(idxBytes([]int{2, 4, 4}, make([]byte, 32))), "image 1 has label 11"},
		{"size", idx(idxBytes([]int{2, 5, 5}, make([]byte, 50))), "resize=1"},
		{"wrong std", idx(idxBytes([]int{2, 4, 4}, make([]byte, 32))) + "?std=0", "above 0"},
		{"means", idx(idxBytes([]int{2, 4, 4}, make([]byte, 32))) + "?mean=1,2", "2 numbers for 1 channels"},
	} {
		d, err := Open(c.spec, wantImages(10, 1, 4, 4), false, 0)
		if err == nil {
			err = d.Read(1, NewRand(0, 0, 0), []*tensor.Tensor{tensor.New(tensor.Float32, 1, 4, 4), tensor.New(tensor.Int64)})
			d.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.message) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
