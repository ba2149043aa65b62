package data

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/tensor"
)

func TestGoldenArchives(t *testing.T) {
	ids := func(name string) Field { return Field{name, tensor.Int64, tensor.Shape{32}} }
	label := func(shape ...int) Field { return Field{"label", tensor.Int64, append(tensor.Shape{}, shape...)} }
	for _, c := range []struct {
		file string
		want Want
	}{
		{"cifar", wantImages(10, 3, 32, 32)},
		{"mnist", wantImages(10, 1, 28, 28)},
		{"mnist-flat", wantImages(10, 784)},
		{"bert", Want{Inputs: []Field{ids("input_ids"), ids("attention_mask"), ids("token_type_ids")}, Label: label()}},
		{"text32", Want{Inputs: []Field{ids("idx")}, Label: label(32), Classes: 65}},
		{"text32", Want{Inputs: []Field{{"idx", tensor.Int64, tensor.Shape{-1}}}, Label: label(-1)}},
	} {
		d := openData(t, "npz:"+shared(t, "golden", "training", c.file+".npz"), c.want, false)
		if d.Len() != 320 || len(d.Fields()) != len(c.want.Inputs)+1 {
			t.Errorf("%s: %d examples of %v", c.file, d.Len(), d.Fields())
		}
		if b := firstBatch(t, d, 32); !slices.Equal(b.Tensors[0].Shape[1:], d.Fields()[0].Shape) || b.Tensors[0].Shape[0] != 32 {
			t.Errorf("%s: %v", c.file, b.Tensors)
		}
	}
}

// Six numbers in two rows, stored in each way that numpy has.
func TestElementTypesAndOrders(t *testing.T) {
	f32 := tensor.Of(tensor.Shape{2, 3}, float32(0), 1, 2, 3, 4, 5)
	big := []byte{0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5}
	labels := npyOf(tensor.Of(tensor.Shape{2, 1}, int32(7), 8))
	cases := map[string][]byte{
		"float32":     npyOf(f32),
		"float64":     npyOf(tensor.Of(tensor.Shape{2, 3}, 0., 1, 2, 3, 4, 5)),
		"uint8":       npyOf(tensor.Of(tensor.Shape{2, 3}, uint8(0), 1, 2, 3, 4, 5)),
		"big endian":  npyBytes(">i4", false, "2, 3", big),
		"fortran":     npyBytes("|u1", true, "2, 3", []byte{0, 3, 1, 4, 2, 5}),
		"unit axes":   npyBytes("|i1", false, "2, 1, 3", []byte{0, 1, 2, 3, 4, 5}),
		"python 2":    npyBytes("|i1", false, "2L, 3L", []byte{0, 1, 2, 3, 4, 5}),
		"version two": append([]byte("\x93NUMPY\x02\x00\x3c\x00\x00\x00"), npyBytes("|i1", false, "2,3", []byte{0, 1, 2, 3, 4, 5})[10:]...),
	}
	cases["version two"][8] = byte(len(cases["version two"]) - 12 - 6)
	w := Want{Inputs: []Field{{"x", tensor.Float32, tensor.Shape{3}}}, Label: Field{"label", tensor.Int64, tensor.Shape{}}}
	for name, x := range cases {
		for _, spec := range []string{
			"npy:" + writeFile(t, "x.npy", x) + "," + writeFile(t, "y.npy", labels) + "?scale=2",
			"npz:" + writeFile(t, "d.npz", zipBytes(t, zip.Store, namedFile{"x.npy", x}, namedFile{"label.npy", labels})) + "?scale=2",
			"npz:" + writeFile(t, "d.npz", zipBytes(t, zip.Deflate, namedFile{"other.npy", x}, namedFile{"y.npy", labels})) + "?scale=2&label=y",
		} {
			d := openData(t, spec, w, false)
			got := readOne(t, d, 1)
			if !slices.Equal(got[0].F32(), []float32{6, 8, 10}) || got[1].I64()[0] != 8 || d.Len() != 2 {
				t.Errorf("%s in %s: %v %v", name, spec[:3], got[0].F32(), got[1].I64())
			}
		}
	}
}

func TestArraysThatDoNotFit(t *testing.T) {
	x := npyOf(tensor.New(tensor.Float32, 4, 3))
	y := npyOf(tensor.Of(tensor.Shape{4}, int64(0), 1, 2, 9))
	z := func(files ...namedFile) []byte { return zipBytes(t, zip.Deflate, files...) }
	want := Want{Inputs: []Field{{"x", tensor.Float32, tensor.Shape{3}}}, Label: Field{"label", tensor.Int64, tensor.Shape{}}, Classes: 9}
	other := want
	other.Inputs = []Field{{"x", tensor.Float32, tensor.Shape{3, 32, 32}}}
	for _, c := range []struct {
		name    string
		content []byte
		want    Want
		message string
	}{
		{"no zip", []byte("hello"), want, "not a valid zip file"},
		{"no label", z(namedFile{"x.npy", x}), want, `no label array "label" (arrays: x); say ?label=NAME`},
		{"no input", z(namedFile{"a.npy", x}, namedFile{"b.npy", x}, namedFile{"label.npy", y}), want, `no array for the model's input "x" (arrays: a b label)`},
		{"twice", z(namedFile{"x.npy", x}, namedFile{"x.npy", x}), want, `two arrays are called "x"`},
		{"other shape", z(namedFile{"x.npy", x}, namedFile{"label.npy", y}), other, `the model wants float32[3,32,32] for "x", the data gives float32[3]; bring`},
		{"other count", z(namedFile{"x.npy", x}, namedFile{"label.npy", npyOf(tensor.New(tensor.Int64, 5))}), want, "as many"},
		{"truncated", z(namedFile{"x.npy", x[:len(x)-1]}, namedFile{"label.npy", y}), want, "takes"},
		{"label range", z(namedFile{"x.npy", x}, namedFile{"label.npy", y}), want, "row 3: label 9 is not a class; the model has classes 0 to 8"},
		{"scalar", z(namedFile{"x.npy", npyBytes("<f4", false, "", make([]byte, 4))}, namedFile{"label.npy", y}), want, "a single number"},
		{"no elements", z(namedFile{"x.npy", npyBytes("<f4", false, "9000000000, 0", nil)}, namedFile{"label.npy", y}), want, "no elements"},
		{"huge", z(namedFile{"x.npy", npyBytes("<f4", false, "1000000000000, 3", nil)}, namedFile{"label.npy", y}), want, "takes 120000000001"},
		{"beyond memory", z(namedFile{"x.npy", npyBytes("<f4", false, "4000000000000000000, 3", nil)}, namedFile{"label.npy", y}), want, "larger than any memory"},
		{"objects", z(namedFile{"x.npy", npyBytes("|O", false, "4", nil)}, namedFile{"label.npy", y}), want, "not supported"},
		{"limit", z(namedFile{"x.npy", npyOf(tensor.New(tensor.Float32, 1<<20, 3))}, namedFile{"label.npy", y}), want, "raise ?max="},
	} {
		path := writeFile(t, "d.npz", c.content)
		d, err := Open(fmt.Sprintf("npz:%s?max=1000000", path), c.want, false, 0)
		if err == nil {
			dst := []*tensor.Tensor{tensor.New(tensor.Float32, 3), tensor.New(tensor.Int64)}
			err = d.Read(3, NewRand(0, 0, 0), dst)
			d.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.message) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestFloatLabelsMakeARegression(t *testing.T) {
	path := writeFile(t, "d.npz", zipBytes(t, zip.Store, namedFile{"x.npy", npyOf(tensor.New(tensor.Float32, 2, 3))},
		namedFile{"label.npy", npyOf(tensor.Of(tensor.Shape{2, 2}, 1.5, 2, 3, 4))}))
	w := Want{Inputs: []Field{{"x", tensor.Float32, tensor.Shape{3}}}, Label: Field{"label", tensor.Int64, tensor.Shape{}}, Classes: 2}
	d := openData(t, "npz:"+path, w, false)
	if f := d.Fields()[1]; f.DType != tensor.Float32 || !f.Shape.Equal(tensor.Shape{2}) {
		t.Error(f)
	}
}

// TestDamagedArrays changes a byte of an array's elements, in a form that stays in the file and in one that is unpacked.
func TestDamagedArrays(t *testing.T) {
	x := tensor.New(tensor.Float32, 2, 300)
	w := Want{Inputs: []Field{{"x", tensor.Float32, tensor.Shape{300}}}, Label: Field{"label", tensor.Int64, tensor.Shape{}}, Classes: 2}
	for _, method := range []uint16{zip.Store, zip.Deflate} {
		b := zipBytes(t, method, namedFile{"x.npy", npyOf(x)}, namedFile{"label.npy", npyOf(tensor.New(tensor.Int64, 2))})
		whole := "npz:" + writeFile(t, "whole.npz", b)
		openData(t, whole, w, false)
		if method == zip.Store {
			b[600] ^= 1 // among the elements of x
		} else {
			at := bytes.LastIndex(b, []byte("PK\x01\x02"))
			at = bytes.LastIndex(b[:at], []byte("PK\x01\x02"))
			b[at+16] ^= 1 // the checksum that the archive has for x
		}
		damaged := "npz:" + writeFile(t, "damaged.npz", b)
		if _, err := Open(damaged, w, false, 0); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("method %d: error %v", method, err)
		}
		if method == zip.Store {
			openData(t, damaged+"?check=0", w, false)
		}
	}
}

// TestDamagedTarGz changes the checksum that a gzipped tar ends in.
func TestDamagedTarGz(t *testing.T) {
	b := gzipBytes(t, tarBytes(t, []tar.Header{{Name: "a/1.png", Typeflag: tar.TypeReg}, {Name: "b/1.png", Typeflag: tar.TypeReg}}, pngBytes(t, picture(3, 3, red)), pngBytes(t, picture(3, 3, red))))
	openData(t, "imagefolder:"+writeFile(t, "whole.tgz", b), wantImages(2, 1, 3, 3), false)
	b[len(b)-8] ^= 1
	if _, err := Open("imagefolder:"+writeFile(t, "damaged.tgz", b), wantImages(2, 1, 3, 3), false, 0); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("error %v", err)
	}
}
