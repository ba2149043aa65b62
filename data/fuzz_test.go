package data

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"image/color"
	"image/gif"
	"testing"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// The readers must neither panic nor take memory that the input does not pay for, whatever they are given.
const fuzzLimit = 1 << 20

func FuzzIDX(f *testing.F) {
	f.Add(idxBytes([]int{2, 2, 2}, make([]byte, 8)))
	f.Add(gzipBytes(f, idxBytes([]int{3}, []byte{1, 2, 3})))
	f.Add(idxBytes([]int{1 << 31, 1 << 31}, nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := readIDX(bytes.NewReader(b), int64(len(b)), budget{limit: fuzzLimit}); err == nil && len(a.data) != a.shape.Elems() {
			t.Errorf("%d bytes of %v", len(a.data), a.shape)
		}
	})
}

func FuzzNpy(f *testing.F) {
	f.Add(npyOf(tensor.Vector(int32(1), 2, 3)))
	f.Add(npyBytes(">f8", true, "2, 1", make([]byte, 16)))
	f.Add(npyBytes("<f4", false, "1000000000000,", nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		limit := int64(fuzzLimit)
		a, err := readNpy(bytes.NewReader(b), int64(len(b)), "x.npy", &limit)
		if err != nil {
			return
		}
		readArrays(t, a)
	})
}

// readArrays reads the ends of a column as a model of its own shape would.
func readArrays(t *testing.T, columns ...*array) {
	t.Helper()
	w := Want{}
	for _, c := range columns[:len(columns)-1] {
		if len(c.shape) > 0 {
			w.Inputs = append(w.Inputs, Field{"x", tensor.Float32, c.shape[1:]})
		}
	}
	d, err := newArrays(columns, w, 0.5, func() error { return nil })
	if err != nil {
		return
	}
	var dst []*tensor.Tensor
	for _, f := range d.Fields() {
		if f.Shape.Elems() > fuzzLimit {
			return
		}
		dst = append(dst, tensor.New(f.DType, f.Shape...))
	}
	for _, i := range []int{0, d.Len() - 1} {
		_ = d.Read(i, NewRand(0, 0, 0), dst) // a label may be no class
	}
}

func FuzzNpz(f *testing.F) {
	x, y := npyOf(tensor.New(tensor.Float32, 2, 3)), npyOf(tensor.Vector(int64(0), 1))
	f.Add(zipBytes(f, zip.Deflate, namedFile{"x.npy", x}, namedFile{"label.npy", y}))
	f.Add(zipBytes(f, zip.Store, namedFile{"x.npy", x}, namedFile{"label.npy", y}))
	w := Want{Inputs: []Field{{"x", tensor.Float32, tensor.Shape{3}}}}
	f.Fuzz(func(t *testing.T, b []byte) {
		columns, err := readNpz(bytes.NewReader(b), int64(len(b)), "x.npz", w, "label", budget{limit: fuzzLimit}, true)
		if err == nil {
			readArrays(t, columns...)
		}
	})
}

func FuzzCSV(f *testing.F) {
	f.Add([]byte("a,b\n1,2\n"), "b")
	f.Add([]byte("1,\"x\"\n2,y\n"), "")
	f.Fuzz(func(t *testing.T, b []byte, label string) {
		o := csvOptions{header: "auto", sep: ',', limit: fuzzLimit}
		if label != "" {
			o.labels = []string{label}
		}
		c, err := readCSV(bytes.NewReader(b), o)
		if err != nil {
			return
		}
		if len(c.inputs) != c.rows*c.width {
			t.Errorf("%d numbers in %d rows of %d", len(c.inputs), c.rows, c.width)
		}
		d := &table{rows: c.rows, inputs: c.inputs, width: c.width}
		_, _ = d.label(c, Want{Classes: 3})
	})
}

func FuzzTar(f *testing.F) {
	p := pngBytes(f, picture(2, 2, color.White))
	raw := tarBytes(f, []tar.Header{{Name: "a/1.png", Typeflag: tar.TypeReg}, {Name: "b/../../c.png", Typeflag: tar.TypeReg}}, p, p)
	f.Add(raw)
	f.Add(gzipBytes(f, raw))
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := readTarGz(bytes.NewReader(b), int64(len(b)), budget{limit: fuzzLimit}); err == nil {
			decodeAll(t, a)
		}
		a := &archive{}
		r := bytes.NewReader(b)
		if err := a.index(tar.NewReader(r), inMemory(r, int64(len(b)))); err != nil {
			return
		}
		a.block = b
		decodeAll(t, a)
	})
}

func inMemory(r *bytes.Reader, size int64) func(*tar.Header) (int64, error) {
	return func(h *tar.Header) (int64, error) { return placeAt(r, h, size) }
}

func decodeAll(t *testing.T, a *archive) {
	t.Helper()
	list, _, err := classFolders(a.Names(), "", true)
	if err != nil {
		return
	}
	p := &filePixels{store: a, frame: frame{3, 4, 4}, names: a.Names(), list: list, fit: "cover"}
	for i := range p.Len() {
		file, err := a.File(list[i].index)
		if err != nil {
			continue
		}
		if c, err := imageBounds(file); err != nil || c.Width*c.Height > fuzzLimit {
			continue
		}
		_, _ = p.Image(i, nil)
	}
}

func FuzzImage(f *testing.F) {
	p := picture(5, 4, color.RGBA{1, 2, 3, 255})
	f.Add(pngBytes(f, p))
	f.Add(jpegBytes(f, p))
	f.Add(bmpClaiming(2, 2))
	var g bytes.Buffer
	must(f, gif.Encode(&g, p, nil))
	f.Add(g.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		a := &archive{names: []string{"a/0"}, spans: []span{{0, int64(len(b))}}, block: b}
		for _, to := range []frame{{3, 4, 4}, {1, 3, 5}} {
			p := &filePixels{store: a, frame: to, names: a.names, list: make([]imageFile, 1), fit: "cover"}
			if c, err := imageBounds(b); err != nil || c.Width*c.Height > fuzzLimit {
				return
			}
			if out, err := p.Image(0, nil); err == nil && len(out) != to.bytes() {
				t.Errorf("%d bytes for %v", len(out), to)
			}
		}
	})
}
