package onnxload

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/onnxtrain/onnxtrain/onnxload/internal/onnxpb"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// attempt decodes hostile bytes in every way there is. It reports what was allocated.
func attempt(b []byte) (allocated uint64, err error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	m, err := Decode("m.onnx", b)
	if err == nil {
		_, err = m.NewGraph()
	}
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc, err
}

// rich is a small model with every kind of message in it.
func rich(t testing.TB) []byte {
	f := fn("F", "a", "b", node("LeakyRelu", "a", "b", ref("alpha", "s", onnxpb.AttributeProto_FLOAT)))
	f.AttributeProto = []*onnxpb.AttributeProto{attr("s", float32(0.1))}
	body := graphOf("", "t", some(initializer("k", row(1, 2))), node("Add", "x,k", "t"))
	typed := &onnxpb.TensorProto{Name: ptr("ints"), DataType: ptr[int32](7), Dims: []int64{3}, Int64Data: []int64{1, -2, 3}}
	g := graphOf("x,c", "z", some(initializer("w", row(1, 2)), typed), call("F", "x", "h"), node("Add", "h,w", "y"),
		node("Transpose", "y", "p", attr("perm", []int64{0, 1})), node("Gather", "p,ints", "q"),
		node("If", "c", "z", attr("then_branch", body), attr("else_branch", body)))
	g.SparseInitializer = []*onnxpb.SparseTensorProto{{Dims: []int64{4}, Values: initializer("s", row(1)),
		Indices: initializer("", tensor.Vector[int64](2))}}
	g.ValueInfo = []*onnxpb.ValueInfoProto{floats2("y")}
	p := withFunctions(g, f)
	p.MetadataProps = []*onnxpb.StringStringEntryProto{entry("k", "v")}
	b := encode(t, p)
	if _, err := attempt(b); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTruncatedFiles(t *testing.T) {
	b := rich(t)
	errs := 0
	for n := range b {
		if allocated, err := attempt(slices.Clone(b[:n])); err != nil {
			errs++
		} else if allocated > 1<<20 {
			t.Errorf("%d bytes took %d", n, allocated)
		}
	}
	// A cut between two fields of the model leaves a whole, smaller model; the graph is the largest field.
	if errs < len(b)*3/4 {
		t.Errorf("only %d of %d truncations were refused", errs, len(b))
	}
}

func TestDamagedFiles(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	b := rich(t)
	try := func(c []byte) {
		if allocated, _ := attempt(c); allocated > 8<<20 {
			t.Errorf("%d bytes took %d: %x", len(c), allocated, c)
		}
	}
	for i := range b {
		for bit := range 8 {
			c := slices.Clone(b)
			c[i] ^= 1 << bit
			try(c)
		}
	}
	for range 2000 {
		c := slices.Clone(b)
		for range 1 + rng.IntN(8) {
			switch i := rng.IntN(len(c)); rng.IntN(3) {
			case 0:
				c[i] = byte(rng.Uint32())
			case 1:
				c = slices.Delete(c, i, min(len(c), i+rng.IntN(8)))
			default:
				c = slices.Insert(c, i, c[i:min(len(c), i+rng.IntN(40))]...)
			}
		}
		try(c)
	}
}

// field appends a length-delimited field.
func delimited(number int, content []byte) []byte {
	b := binary.AppendUvarint(nil, uint64(number)<<3|2)
	b = binary.AppendUvarint(b, uint64(len(content)))
	return append(b, content...)
}

func repeated(b []byte, n int) []byte { return slices.Repeat(b, n) }

// TestHostileFiles checks that each is refused soon and within memory near its size.
func TestHostileFiles(t *testing.T) {
	nest := func(b []byte, depth int, numbers ...int) []byte {
		for i := range depth {
			b = delimited(numbers[i%len(numbers)], b)
		}
		return b
	}
	graphs := func(b []byte) []byte { return delimited(7, b) }
	someGraphs := &onnxpb.AttributeProto{Name: ptr("g"), Type: ptr(onnxpb.AttributeProto_GRAPHS)}
	inputs := []string{}
	for i := range 3000 {
		name := fmt.Sprintf("v%d", i)
		inputs = append(inputs, name)
		someGraphs.Graphs = append(someGraphs.Graphs, graphOf("", name+"o", nil, node("Relu", name, name+"o")))
	}
	captures := file(&onnxpb.GraphProto{Node: []*onnxpb.NodeProto{node("If", "", "y", someGraphs)},
		Output: []*onnxpb.ValueInfoProto{{Name: ptr("y")}}})
	for _, name := range inputs {
		captures.Graph.Input = append(captures.Graph.Input, floats2(name))
	}
	manyAttributes := node("Relu", "x", "y")
	for i := range 50000 {
		manyAttributes.Attribute = append(manyAttributes.Attribute, attr(fmt.Sprint(i), i))
	}
	manyAttributes.Attribute = append(manyAttributes.Attribute, attr("7", 7))
	var sameName []*onnxpb.NodeProto
	last := "x"
	for i := range 20000 {
		n := call("F", last, fmt.Sprint("h", i))
		n.Name = ptr("same")
		last = n.Output[0]
		sameName = append(sameName, n)
	}
	collisions := withFunctions(graphOf("x", "nowhere", nil, sameName...), fn("F", "x", "y", node("Relu", "x", "m"),
		node("Relu", "m", "y")))
	for _, c := range []struct {
		name string
		b    []byte
		want string
	}{
		{"types in types", graphs(delimited(11, delimited(2, nest(nil, 10000, 1, 4)))), "messages are nested more than 100 deep"},
		{"graphs in graphs", graphs(nest(nil, 3000, 6, 5, 1)), "messages are nested more than 100 deep"},
		{"empty attributes", graphs(delimited(1, repeated(delimited(5, nil), 4<<20))), "far more memory than its size"},
		{"empty tensors", graphs(repeated(delimited(5, nil), 4<<20)), "far more memory than its size"},
		{"empty nodes", graphs(repeated(delimited(1, nil), 4<<20)), "far more memory than its size"},
		{"empty outputs", graphs(delimited(1, repeated(delimited(2, nil), 4<<20))), "far more memory than its size"},
		{"one-byte integers", graphs(delimited(5, append(delimited(7, make([]byte, 16<<20)), 0x10, 7, 0x08, 1))),
			`tensor "": 16777216 elements for int64[1], which takes 1`},
		{"a length past the end", graphs([]byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f}),
			"a field of 4294967295 bytes where 0 are left"},
		{"a length of 2^63", graphs([]byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}), "bytes where 0 are left"},
		{"an endless number", graphs(append([]byte{0x08}, repeated([]byte{0xff}, 20)...)), "a number is cut off or too long"},
		{"an endless tag", repeated([]byte{0xff}, 20), "byte 0: no field tag"},
		{"field zero", []byte{0x02, 0x00}, "byte 0: no field tag"},
		{"a group", graphs([]byte{0x0b, 0x0c}), "wire type 3 is not used by ONNX"},
		{"a group of unknown number", []byte{0xfb, 0x01, 0xfc, 0x01}, "byte 0: wire type 3 is not used by ONNX"},
		{"wrong wire type", []byte{0x38, 0x01}, "not an ONNX file, or damaged"},
		{"captures squared", encode(t, captures), "its subgraphs read 3000 values from around them, which is too many"},
		{"attributes", encode(t, file(graphOf("x", "y", nil, manyAttributes))), `attribute "7" is given twice`},
		{"functions under one name", encode(t, collisions), `output "nowhere"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			begin := time.Now()
			allocated, err := attempt(c.b)
			wantError(t, fmt.Sprint(err), "m.onnx: ", c.want)
			if limit := uint64(baseCost + 40*len(c.b)); allocated > limit {
				t.Errorf("%d bytes took %d", len(c.b), allocated)
			}
			if d := time.Since(begin); d > 10*time.Second {
				t.Errorf("it took %v", d)
			}
		})
	}
}

// TestRealFilesAreFarFromTheLimits keeps the limits on structure away from real models.
func TestRealFilesAreFarFromTheLimits(t *testing.T) {
	for _, file := range modelFiles(t) {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		const budget = 1 << 40
		s := scanner{b, budget}
		if err := s.message(0, len(b), modelMessage, 0); err != nil {
			t.Fatal(err)
		}
		var raw int
		m, err := Decode(file, b)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range m.proto.Graph.Initializer {
			raw += p.RawData.Size()
		}
		if cost, structure := budget-s.budget, int64(len(b)-raw); cost > costFactor*structure {
			t.Errorf("%s: %d bytes of structure are counted as %d", filepath.Base(file), structure, cost)
		}
	}
}
