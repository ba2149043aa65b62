package checkpoint

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// samples are a tensor of every element type, and odd shapes.
func samples() []Named {
	var list []Named
	for dt := range dtypeNames {
		t := tensor.New(dt, 2, 3)
		for i := range t.Data {
			t.Data[i] = byte(i % 2)
		}
		list = append(list, Named{"every/" + dt.String(), t})
	}
	slices.SortFunc(list, func(a, b Named) int { return strings.Compare(a.Name, b.Name) })
	return append(list, Named{"a scalar", tensor.Scalar[float32](2)}, Named{"empty", tensor.New(tensor.Int64, 0, 4)}, Named{`q"uo\te, ü`, tensor.Vector[uint8](1, 2, 3)})
}

func encoded(t testing.TB, list []Named, meta map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteTensors(&b, list, meta); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func decoded(b []byte) (map[string]*tensor.Tensor, map[string]string, error) {
	found := map[string]*tensor.Tensor{}
	meta, err := ReadTensors(bytes.NewReader(b), int64(len(b)), func(name string, dt tensor.DType, shape tensor.Shape) (*tensor.Tensor, error) {
		found[name] = tensor.New(dt, shape...)
		return found[name], nil
	})
	return found, meta, err
}

func TestTensorsComeBack(t *testing.T) {
	list := samples()
	file := encoded(t, list, map[string]string{"a": "b"})
	found, meta, err := decoded(file)
	if err != nil || len(found) != len(list) || meta["a"] != "b" {
		t.Fatalf("%d tensors, metadata %v, %v", len(found), meta, err)
	}
	for _, n := range list {
		f := found[n.Name]
		if f == nil || f.DType != n.Tensor.DType || !f.Shape.Equal(n.Tensor.Shape) || !bytes.Equal(f.Data, n.Tensor.Data) {
			t.Errorf("%q is %v, want %v", n.Name, f, n.Tensor)
		}
	}
	slices.Reverse(list)
	if !bytes.Equal(encoded(t, list, map[string]string{"a": "b"}), file) {
		t.Error("the order of tensors changes the file")
	}
}

// withHeader makes a file of a header and so many bytes of data.
func withHeader(header string, data int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, data)...)
}

// numbered are n short entries of an object.
func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"%x":""`, i)
	}
	return b.String()
}

func TestBadTensorFiles(t *testing.T) {
	entry := func(dtype, shape string, from, to int) string {
		return fmt.Sprintf(`{"dtype":%q,"shape":%s,"data_offsets":[%d,%d]}`, dtype, shape, from, to)
	}
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "header"},
		{"length alone", make([]byte, 8), "no JSON object"},
		{"header longer than the file", binary.LittleEndian.AppendUint64(nil, 1<<20), "1048576"},
		{"length with the sign bit", binary.LittleEndian.AppendUint64(nil, 1<<63), "header"},
		{"no object", withHeader("[]", 0), "no JSON object"},
		{"unclosed", withHeader(`{"a":`+entry("F32", "[1]", 0, 4), 4), "header"},
		{"text after the object", withHeader(`{} x`, 0), "follow"},
		{"two of a name", withHeader(`{"a":`+entry("F32", "[1]", 0, 4)+`,"a":`+entry("F32", "[1]", 4, 8)+`}`, 8), `"a"`},
		{"overlap", withHeader(`{"a":`+entry("F32", "[2]", 0, 8)+`,"b":`+entry("F32", "[2]", 4, 12)+`}`, 12), "overlap"},
		{"gap", withHeader(`{"a":`+entry("F32", "[1]", 0, 4)+`,"b":`+entry("F32", "[1]", 8, 12)+`}`, 12), "gap"},
		{"begins late", withHeader(`{"a":`+entry("F32", "[1]", 4, 8)+`}`, 8), "gap"},
		{"past the end", withHeader(`{"a":`+entry("F32", "[4]", 0, 16)+`}`, 8), "16"},
		{"bytes left over", withHeader(`{"a":`+entry("F32", "[1]", 0, 4)+`}`, 8), "8"},
		{"backwards", withHeader(`{"a":`+entry("F32", "[1]", 4, 0)+`}`, 4), "from byte 4 to 0"},
		{"negative offset", withHeader(`{"a":`+entry("F32", "[1]", -4, 0)+`}`, 4), "-4"},
		{"wrong size", withHeader(`{"a":`+entry("F32", "[3]", 0, 8)+`}`, 8), "12"},
		{"negative dimension", withHeader(`{"a":`+entry("F32", "[-1]", 0, 4)+`}`, 4), "-1"},
		{"product overflows", withHeader(`{"a":`+entry("F32", "[2147483647,2147483647,2147483647]", 0, 4)+`}`, 4), "memory"},
		{"dimension overflows", withHeader(`{"a":`+entry("F32", "[9223372036854775807]", 0, 4)+`}`, 4), "dimension"},
		{"unknown type", withHeader(`{"a":`+entry("F8_E4M3", "[4]", 0, 4)+`}`, 4), "F8_E4M3"},
		{"metadata of numbers", withHeader(`{"__metadata__":{"a":1}}`, 0), "no string"},
		{"metadata in metadata", withHeader(`{"__metadata__":{"a":{"b":"c"}}}`, 0), "no string"},
		{"metadata that is no object", withHeader(`{"__metadata__":["a"]}`, 0), "no JSON object"},
		{"two metadata of a name", withHeader(`{"__metadata__":{"a":"b","a":"c"}}`, 0), `"a"`},
		{"much metadata", withHeader(`{"__metadata__":{`+numbered(maxEntries+1)+`}}`, 0), "more than 100000 entries"},
		{"deep nesting", withHeader(`{"a":`+strings.Repeat("[", 1<<20)+strings.Repeat("]", 1<<20)+`}`, 0), `"a"`},
		{"three offsets", withHeader(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}`, 4), "offsets"},
		{"no shape", withHeader(`{"a":{"dtype":"F32","data_offsets":[0,4]}}`, 4), "shape"},
		{"shape of text", withHeader(`{"a":`+entry("F32", `["1"]`, 0, 4)+`}`, 4), `"a"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, _, err := decoded(c.file); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one that mentions %s", err, c.want)
			}
		})
	}
}

// TestNoAllocationOnTheWordOfAHeader reads a small file whose header promises terabytes.
func TestNoAllocationOnTheWordOfAHeader(t *testing.T) {
	file := withHeader(`{"a":{"dtype":"F32","shape":[1099511627],"data_offsets":[0,4398046508]}}`, 4)
	_, err := ReadTensors(bytes.NewReader(file), int64(len(file)), func(string, tensor.DType, tensor.Shape) (*tensor.Tensor, error) {
		t.Error("memory was asked for")
		return nil, nil
	})
	if err == nil {
		t.Error("no error")
	}
}

func FuzzTensors(f *testing.F) {
	f.Add(encoded(f, samples(), map[string]string{"a": "b"}))
	f.Add(withHeader(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4))
	f.Fuzz(func(t *testing.T, b []byte) {
		total := 0
		_, err := ReadTensors(bytes.NewReader(b), int64(len(b)), func(_ string, dt tensor.DType, shape tensor.Shape) (*tensor.Tensor, error) {
			x := tensor.New(dt, shape...)
			if total += len(x.Data); total > len(b) {
				t.Fatalf("%d bytes for tensors out of a file of %d", total, len(b))
			}
			return x, nil
		})
		_ = err // any error will do; what is read lies within the file
	})
}

// TestPythonReadsAndWrites holds the files that testdata/crossread.py read and wrote with the package of the format's
// authors.
func TestPythonReadsAndWrites(t *testing.T) {
	list := samples()
	file, err := os.ReadFile("testdata/go.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(file, encoded(t, list, map[string]string{"a": "b"})) {
		t.Error("go.safetensors is not what is written; make it anew and run crossread.py")
	}
	if file, err = os.ReadFile("testdata/python.safetensors"); err != nil {
		t.Fatal(err)
	}
	found, meta, err := decoded(file)
	if err != nil || meta["a"] != "b" || len(found) != len(list)-1 {
		t.Fatalf("%d tensors, metadata %v, %v", len(found), meta, err)
	}
	for _, n := range list {
		f := found[n.Name]
		if n.Tensor.DType == tensor.BFloat16Type {
			continue // numpy has none
		}
		if f == nil || f.DType != n.Tensor.DType || !f.Shape.Equal(n.Tensor.Shape) || !bytes.Equal(f.Data, n.Tensor.Data) {
			t.Errorf("%q is %v, want %v", n.Name, f, n.Tensor)
		}
	}
}
