package onnxload

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/onnxtrain/onnxtrain/onnxload/internal/onnxpb"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func TestTensorEncodings(t *testing.T) {
	kind := func(k onnxpb.TensorProto_DataType, dims ...int64) *onnxpb.TensorProto {
		return &onnxpb.TensorProto{Name: ptr("w"), DataType: ptr(int32(k)), Dims: dims}
	}
	with := func(p *onnxpb.TensorProto, set func(*onnxpb.TensorProto)) *onnxpb.TensorProto {
		set(p)
		return p
	}
	int32s := func(k onnxpb.TensorProto_DataType, v ...int32) *onnxpb.TensorProto {
		return with(kind(k, int64(len(v))), func(p *onnxpb.TensorProto) { p.Int32Data = v })
	}
	for _, c := range []struct {
		name string
		p    *onnxpb.TensorProto
		dt   tensor.DType
		want []float64
	}{
		{"float_data", with(kind(onnxpb.TensorProto_FLOAT, 2), func(p *onnxpb.TensorProto) { p.FloatData = []float32{1.5, -2} }),
			tensor.Float32, []float64{1.5, -2}},
		{"double_data", with(kind(onnxpb.TensorProto_DOUBLE, 1, 2),
			func(p *onnxpb.TensorProto) { p.DoubleData = []float64{1e300, -2} }),
			tensor.Float64, []float64{1e300, -2}},
		{"int64_data", with(kind(onnxpb.TensorProto_INT64, 2), func(p *onnxpb.TensorProto) { p.Int64Data = []int64{-7, 1 << 40} }),
			tensor.Int64, []float64{-7, 1 << 40}},
		{"uint64_data", with(kind(onnxpb.TensorProto_UINT64), func(p *onnxpb.TensorProto) { p.Uint64Data = []uint64{1 << 63} }),
			tensor.Uint64, []float64{1 << 63}},
		{"uint32 in uint64_data", with(kind(onnxpb.TensorProto_UINT32, 1),
			func(p *onnxpb.TensorProto) { p.Uint64Data = []uint64{1<<32 - 1} }),
			tensor.Uint32, []float64{1<<32 - 1}},
		{"int32", int32s(onnxpb.TensorProto_INT32, -5, 1<<30), tensor.Int32, []float64{-5, 1 << 30}},
		{"int16", int32s(onnxpb.TensorProto_INT16, -300, 300), tensor.Int16, []float64{-300, 300}},
		{"int8", int32s(onnxpb.TensorProto_INT8, -128, 127), tensor.Int8, []float64{-128, 127}},
		{"uint16", int32s(onnxpb.TensorProto_UINT16, 65535), tensor.Uint16, []float64{65535}},
		{"uint8", int32s(onnxpb.TensorProto_UINT8, 255, 0), tensor.Uint8, []float64{255, 0}},
		{"bool", int32s(onnxpb.TensorProto_BOOL, 0, 1, 5), tensor.Bool, []float64{0, 1, 1}},
		{"float16 bits", int32s(onnxpb.TensorProto_FLOAT16, 0x3c00, 0xc000), tensor.Float16, []float64{1, -2}},
		{"bfloat16 bits", int32s(onnxpb.TensorProto_BFLOAT16, 0x3f80, 0xc000), tensor.BFloat16Type, []float64{1, -2}},
		{"raw", initializer("w", tensor.Of(tensor.Shape{3, 1}, float32(1), 2, 3)), tensor.Float32, []float64{1, 2, 3}},
		{"raw float16", initializer("w", &tensor.Tensor{DType: tensor.Float16, Shape: tensor.Shape{1}, Data: []byte{0, 0x3c}}),
			tensor.Float16, []float64{1}},
		{"raw bools", initializer("w", &tensor.Tensor{DType: tensor.Bool, Shape: tensor.Shape{3}, Data: []byte{0, 1, 200}}),
			tensor.Bool, []float64{0, 1, 1}},
		{"scalar", with(kind(onnxpb.TensorProto_FLOAT), func(p *onnxpb.TensorProto) { p.FloatData = []float32{4} }),
			tensor.Float32, []float64{4}},
		{"empty", kind(onnxpb.TensorProto_FLOAT, 0, 3), tensor.Float32, []float64{}},
		{"empty raw", with(kind(onnxpb.TensorProto_INT64, 0), func(p *onnxpb.TensorProto) { p.RawData = &onnxpb.Raw{} }),
			tensor.Int64, []float64{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := DecodeTensor("t.pb", encode(t, c.p))
			if err != nil {
				t.Fatal(err)
			}
			if got.DType != c.dt || !slices.Equal(got.Float64s(), c.want) {
				t.Errorf("%v %v, want %v %v", got, got.Float64s(), c.dt, c.want)
			}
			for _, v := range got.Data {
				if c.dt == tensor.Bool && v > 1 {
					t.Errorf("a bool is %d", v)
				}
			}
		})
	}
}

func TestTensorsThatAreRefused(t *testing.T) {
	base := func(change func(*onnxpb.TensorProto)) *onnxpb.TensorProto {
		p := initializer("w", row(1, 2, 3))
		change(p)
		return p
	}
	for _, c := range []struct {
		name string
		p    *onnxpb.TensorProto
		want string
	}{
		{"too few bytes", base(func(p *onnxpb.TensorProto) { p.Dims[0] = 4 }), "12 bytes for float32 [4], which takes 16"},
		{"too few elements", &onnxpb.TensorProto{Name: ptr("w"), DataType: ptr[int32](1), Dims: []int64{3},
			FloatData: []float32{1}},
			"1 elements for float32[3], which takes 3"},
		{"no elements", &onnxpb.TensorProto{Name: ptr("w"), DataType: ptr[int32](7), Dims: []int64{3}}, "0 elements for int64[3]"},
		{"wrong field", &onnxpb.TensorProto{Name: ptr("w"), DataType: ptr[int32](7), Dims: []int64{1}, FloatData: []float32{1}},
			"0 elements for int64[1], which takes 1"},
		{"both fields", base(func(p *onnxpb.TensorProto) { p.FloatData = []float32{1, 2, 3} }),
			"both raw data and 3 float32 numbers"},
		{"negative dimension", base(func(p *onnxpb.TensorProto) { p.Dims[0] = -3 }), "negative dimension in shape [-3]"},
		{"overflow", base(func(p *onnxpb.TensorProto) { p.Dims = []int64{1 << 40, 1 << 40} }), "larger than any memory"},
		{"overflow to 12 bytes", base(func(p *onnxpb.TensorProto) { p.Dims = []int64{1 << 62, 1 << 2, 3} }),
			"larger than any memory"},
		{"segment", base(func(p *onnxpb.TensorProto) { p.Segment = &onnxpb.TensorProto_Segment{} }), "segments are not supported"},
		{"string", base(func(p *onnxpb.TensorProto) { p.DataType = ptr[int32](8) }),
			"element type string is not supported; supported are bfloat16, bool"},
		{"float8", base(func(p *onnxpb.TensorProto) { p.DataType = ptr[int32](17) }), "element type float8e4m3fn is not supported"},
		{"int4", base(func(p *onnxpb.TensorProto) { p.DataType = ptr[int32](22) }), "element type int4 is not supported"},
		{"complex", base(func(p *onnxpb.TensorProto) { p.DataType = ptr[int32](14) }), "element type complex64 is not supported"},
		{"no type", base(func(p *onnxpb.TensorProto) { p.DataType = nil }), "element type 0 does not exist"},
		{"unknown type", base(func(p *onnxpb.TensorProto) { p.DataType = ptr[int32](99) }), "element type 99 does not exist"},
		{"external", base(func(p *onnxpb.TensorProto) {
			p.RawData, p.DataLocation = nil, ptr(onnxpb.TensorProto_EXTERNAL)
			p.ExternalData = []*onnxpb.StringStringEntryProto{entry("location", "w.bin")}
		}), `its data is in the file "w.bin"; open the model by its path`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := DecodeTensor("t.pb", encode(t, c.p))
			wantError(t, fmt.Sprint(err), "t.pb: ", `tensor "w": `, c.want)
			wantError(t, refusal(t, file(graphOf("x", "y", some(c.p), node("Add", "x,w", "y")))), "m.onnx: ",
				`tensor "w": `, c.want)
		})
	}
}

func TestUnsupportedTensorsOnlyMatterWhenRead(t *testing.T) {
	text := &onnxpb.TensorProto{Name: ptr("labels"), DataType: ptr[int32](8), Dims: []int64{1}, StringData: [][]byte{[]byte("cat")}}
	mustGraph(t, mustDecode(t, file(graphOf("x", "y", some(text), node("Relu", "x", "y")))))
	got := refusal(t, file(graphOf("x", "y", some(text), node("Relu", "x", "a"), node("Gather", "labels,a", "y"))))
	wantError(t, got, `m.onnx: node "node y" (Gather-17): input 0, "labels": tensor "labels": element type string is not supported`)
	got = refusal(t, file(graphOf("x", "labels", some(text), node("Relu", "x", "a"))))
	wantError(t, got, `m.onnx: output "labels": tensor "labels": element type string`)
}

// TestLargeRawDataIsNotCopied relies on the position of the data in the file: it is shifted until it is aligned.
func TestLargeRawDataIsNotCopied(t *testing.T) {
	aliased, copied := 0, 0
	for shift := range 4 {
		p := file(graphOf("x", "y", some(initializer("w", large(1))), node("Add", "x,w", "y")))
		p.ProducerName = ptr(strings.Repeat("p", shift))
		b := encode(t, p)
		m, err := Decode("m.onnx", b)
		if err != nil {
			t.Fatal(err)
		}
		w := valueNamed(t, mustGraph(t, m), "w").Init
		at := bytes.Index(b, w.Data)
		if &b[at] == unsafe.SliceData(w.Data) {
			aliased++
		} else {
			copied++
		}
		if again := valueNamed(t, mustGraph(t, m), "w").Init; unsafe.SliceData(again.Data) != unsafe.SliceData(w.Data) {
			t.Error("a second graph has its own copy")
		}
	}
	if aliased != 1 || copied != 3 {
		t.Errorf("of four positions %d were aliased and %d copied", aliased, copied)
	}
}

// large is a matrix that is worth viewing where it lies.
func large(first float32) *tensor.Tensor {
	t := tensor.New(tensor.Float32, smallRaw/8, 2)
	for i := range t.F32() {
		t.F32()[i] = first + float32(i)
	}
	return t
}

// TestOneTensorOutOfLineFreesTheFile has a tensor that can be aliased and one that cannot.
func TestOneTensorOutOfLineFreesTheFile(t *testing.T) {
	for shift := range 4 {
		p := file(graphOf("x", "y", some(initializer("w", large(1)), initializer("odds", large(2))), node("Add", "x,w", "a"), node("Add", "a,odds", "y")))
		p.ProducerName = ptr(strings.Repeat("p", shift))
		b := encode(t, p)
		m, err := Decode("m.onnx", b)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"w", "odds"} {
			w := valueNamed(t, mustGraph(t, m), name).Init
			if at := bytes.Index(b, w.Data); at < 0 || &b[at] == unsafe.SliceData(w.Data) {
				t.Errorf("shift %d: %s at %d keeps the file's bytes", shift, name, at)
			}
		}
	}
}

func TestSparseTensors(t *testing.T) {
	sparse := func(dims []int64, values *tensor.Tensor, indices *tensor.Tensor) *onnxpb.SparseTensorProto {
		return &onnxpb.SparseTensorProto{Dims: dims, Values: initializer("w", values), Indices: initializer("", indices)}
	}
	model := func(s *onnxpb.SparseTensorProto) *onnxpb.ModelProto {
		g := graphOf("x", "y", nil, node("Add", "x,w", "y"))
		g.SparseInitializer = []*onnxpb.SparseTensorProto{s}
		return file(g)
	}
	for name, s := range map[string]*onnxpb.SparseTensorProto{
		"linear": sparse([]int64{2, 3}, row(5, 6), tensor.Vector[int64](1, 5)),
		"tuples": sparse([]int64{2, 3}, row(5, 6), tensor.Of(tensor.Shape{2, 2}, int64(0), 1, 1, 2)),
	} {
		w := valueNamed(t, mustGraph(t, mustDecode(t, model(s))), "w").Init
		if !w.Shape.Equal(tensor.Shape{2, 3}) || !slices.Equal(w.F32(), []float32{0, 5, 0, 0, 0, 6}) {
			t.Errorf("%s: %v %v", name, w, w.F32())
		}
	}
	constant := file(graphOf("x", "y", nil, node("Constant", "", "w", attr("sparse_value", sparse([]int64{2}, row(5),
		tensor.Vector[int64](1)))),
		node("Add", "x,w", "y")))
	if v := mustGraph(t, mustDecode(t, constant)).Nodes[0].Attrs.Tensor("value"); v == nil || !slices.Equal(v.F32(),
		[]float32{0, 5}) {
		t.Errorf("sparse_value became %v", v)
	}
	for want, s := range map[string]*onnxpb.SparseTensorProto{
		"element 1 has index 6 of 6":  sparse([]int64{2, 3}, row(5, 6), tensor.Vector[int64](1, 6)),
		"element 0 has index -1 of 6": sparse([]int64{2, 3}, row(5), tensor.Vector[int64](-1)),
		"index 3 of element 0 lies outside of shape [2,3]": sparse([]int64{2, 3}, row(5),
			tensor.Of(tensor.Shape{1, 2}, int64(0), 3)),
		"12 bytes hold a tensor of 4294967296; store it dense":        sparse([]int64{1 << 30}, row(5), tensor.Vector[int64](0)),
		"values float32[2] and indices int64[1] do not make a tensor": sparse([]int64{2, 3}, row(5, 6), tensor.Vector[int64](1)),
		"negative dimension": sparse([]int64{-2}, row(5), tensor.Vector[int64](1)),
	} {
		wantError(t, refusal(t, model(s)), `m.onnx: sparse tensor "w": `, want)
	}
	wantError(t, refusal(t, model(&onnxpb.SparseTensorProto{})), "a sparse tensor lacks its values or its indices")
}
