//go:build linux

package app

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/bmp"

	"github.com/onnxtrain/onnxtrain/internal/mutate"
)

// dataCase is a set of files in one form with the arguments that read it; FILES stands for their folder.
type dataCase struct {
	name  string
	files map[string][]byte
	args  []string
}

func npy(descr, shape string, n int) []byte {
	dict := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, shape)
	dict += strings.Repeat(" ", 117-len(dict)) + "\n"
	b := append([]byte("\x93NUMPY\x01\x00"), byte(len(dict)), 0)
	return append(append(b, dict...), make([]byte, n)...)
}

func zipped(t *testing.T, method uint16, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range sortedNames(files) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err == nil {
			_, err = w.Write(files[name])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tarred(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range sortedNames(files) {
		err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(files[name]))})
		if err == nil {
			_, err = w.Write(files[name])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(t *testing.T, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(content)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func sortedNames(files map[string][]byte) []string {
	var list []string
	for name := range files {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// pictures are files of every form, in two classes.
func pictures(t *testing.T) map[string][]byte {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 1))
	p := image.NewRGBA(image.Rect(0, 0, 28, 28))
	for i := range p.Pix {
		p.Pix[i] = byte(r.Uint32()) | 3
	}
	grey := image.NewGray16(image.Rect(0, 0, 28, 28))
	few := image.NewPaletted(image.Rect(0, 0, 28, 28), color.Palette{color.Black, color.White})
	files := map[string][]byte{}
	add := func(name string, encode func(*bytes.Buffer) error) {
		var b bytes.Buffer
		if err := encode(&b); err != nil {
			t.Fatal(err)
		}
		files[name] = b.Bytes()
	}
	add("a/1.png", func(b *bytes.Buffer) error { return png.Encode(b, p) })
	add("a/2.png", func(b *bytes.Buffer) error { return png.Encode(b, grey) })
	add("a/3.png", func(b *bytes.Buffer) error { return png.Encode(b, few) })
	add("b/1.jpg", func(b *bytes.Buffer) error { return jpeg.Encode(b, p, nil) })
	add("b/2.gif", func(b *bytes.Buffer) error { return gif.Encode(b, few, nil) })
	add("b/3.bmp", func(b *bytes.Buffer) error { return bmp.Encode(b, p) })
	return files
}

func idxFile(shape ...uint32) []byte {
	b := []byte{0, 0, 8, byte(len(shape))}
	n := uint32(1)
	for _, d := range shape {
		b, n = binary.BigEndian.AppendUint32(b, d), n*d
	}
	return append(b, make([]byte, n)...)
}

// dataCases are all forms of data, and the files of a run.
func dataCases(t *testing.T) []dataCase {
	x, y := npy("<f4", "6, 784", 6*784*4), npy("<i8", "6,", 48)
	mlp := []string{"train", "--model", models + "mlp.onnx", "--data"}
	all := []dataCase{
		{"npz", map[string][]byte{"x.npz": zipped(t, zip.Store, map[string][]byte{"x.npy": x, "label.npy": y})}, append(slices.Clone(mlp), "npz:FILES/x.npz")},
		{"npz deflated", map[string][]byte{"x.npz": zipped(t, zip.Deflate, map[string][]byte{"x.npy": x, "label.npy": y})}, append(slices.Clone(mlp), "npz:FILES/x.npz")},
		{"npy", map[string][]byte{"x.npy": x, "y.npy": y}, append(slices.Clone(mlp), "npy:FILES/x.npy,FILES/y.npy")},
		{"idx", map[string][]byte{"x": idxFile(6, 28, 28), "y": idxFile(6)}, append(slices.Clone(mlp), "idx:FILES/x,FILES/y")},
		{"idx gzipped", map[string][]byte{"x": gzipped(t, idxFile(6, 28, 28)), "y": gzipped(t, idxFile(6))}, append(slices.Clone(mlp), "idx:FILES/x,FILES/y")},
		{"folder", pictures(t), append(slices.Clone(mlp), "imagefolder:FILES?fit=stretch")},
		{"tar", map[string][]byte{"x.tar": tarred(t, pictures(t))}, append(slices.Clone(mlp), "imagefolder:FILES/x.tar?cache=none")},
		{"tar gzipped", map[string][]byte{"x.tgz": gzipped(t, tarred(t, pictures(t)))}, append(slices.Clone(mlp), "imagefolder:FILES/x.tgz")},
		{"csv", map[string][]byte{"x.csv": []byte("a,b,c,d,e,f,g,h\n" + strings.Repeat("1,2,-3.5,4e2,0,\"6\",7,1\n", 6))},
			[]string{"train", "--model", "../../../testdata/exports/04-tied-train.onnx", "--data", "csv:FILES/x.csv"}},
		{"text", map[string][]byte{"x.txt": []byte(strings.Repeat("to be or not to be ünd so wèiter. ", 40))},
			[]string{"train", "--model", models + "gpt.onnx", "--data", "text:FILES/x.txt"}},
	}
	records := make([]byte, 3*3073)
	cifar := map[string][]byte{}
	for i := 1; i <= 5; i++ {
		cifar[fmt.Sprintf("data_batch_%d.bin", i)] = records
	}
	all = append(all, dataCase{"cifar10", cifar, []string{"train", "--model", models + "resnet20.onnx", "--data", "cifar10:FILES"}})
	return append(all, runCases(t)...)
}

// runCases are the files of a run: weights to begin from, a run to go on with, a post-mortem is a checkpoint too.
func runCases(t *testing.T) []dataCase {
	t.Helper()
	out := filepath.Join(t.TempDir(), "run")
	runOK(t, "--model", models+"mlp.onnx", "--opt", "sgd", "--data", "synthetic:?n=8", "--batch", "4", "--steps", "2", "--save-every", "1", "--out", out)
	files := map[string][]byte{}
	err := filepath.WalkDir(out, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(path) == ".onnx" {
			return err
		}
		b, err := os.ReadFile(path)
		name, _ := filepath.Rel(out, path)
		files[filepath.ToSlash(name)] = b
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	weights := files["checkpoints/step-00000002/weights.safetensors"]
	config := files["config.yaml"]
	if len(weights) == 0 || len(config) == 0 {
		t.Fatalf("the run holds %v", sortedNames(files))
	}
	return []dataCase{
		{"safetensors", map[string][]byte{"w.safetensors": weights},
			[]string{"train", "--model", models + "mlp.onnx", "--data", "synthetic:?n=8", "--init-from", "FILES/w.safetensors"}},
		{"configuration", map[string][]byte{"c.yaml": config}, []string{"train", "--config", "FILES/c.yaml", "--data", "synthetic:?n=8", "--time", "1s"}},
		{"run", files, []string{"train", "--resume", "FILES"}},
	}
}

// TestMalformedData gives the program data of every form, and the files of its own runs, with one to eight changes in one file.
// In full: -malformed.data 5000.
func TestMalformedData(t *testing.T) {
	cases := dataCases(t)
	// 2: a configuration, or a run's, that says what cannot be; 8: no checkpoint is whole.
	each(t, *malformedData, []int{0, 2, 3, 4, 5, 6, 8}, func(dir string, i uint64) (string, outcome) {
		r := rand.New(rand.NewPCG(i, 18))
		c := cases[i%uint64(len(cases))]
		folder := filepath.Join(dir, "files")
		if err := os.RemoveAll(folder); err != nil {
			t.Error(err)
		}
		names := sortedNames(c.files)
		changed := names[r.IntN(len(names))]
		for _, name := range names {
			b := c.files[name]
			if name == changed {
				b = mutate.Bytes(b, r)
			}
			path := filepath.Join(folder, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
				t.Error(err)
			}
			if err := os.WriteFile(path, b, 0o666); err != nil {
				t.Error(err)
			}
		}
		args := []string{}
		for _, a := range c.args {
			args = append(args, strings.ReplaceAll(a, "FILES", folder))
		}
		args = append(args, "--threads", "1", "--workers", "1", "--progress", "none", "--steps", "3", "--max-memory", fmt.Sprint(2*sizeOf(folder)+malformedSpare))
		if c.name != "run" {
			args = append(args, "--opt", "sgd", "--batch", "2", "--save-every", "never", "--out", filepath.Join(dir, "run"), "--overwrite")
		}
		return folder, take(t, args...)
	})
}
