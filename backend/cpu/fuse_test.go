package cpu

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/backend"
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	level "github.com/onnxtrain/onnxtrain/internal/cpu"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// fusion is a random graph of elementwise nodes over some arrays and numbers.
type fusion struct {
	*graph.Graph
	r              *rand.Rand
	arrays         []Array
	numbers, flags []*graph.Value
	floats, truths []*graph.Value // arrays of each kind
}

func newFusion(t *testing.T, seed uint64, n int) *fusion {
	t.Helper()
	f := &fusion{Graph: graph.New("fusion"), r: rand.New(rand.NewPCG(seed, 1))}
	input := func(name string, dt tensor.DType, shape ...int) *graph.Value {
		v := f.NewValue(name, graph.Input, graph.Type{DType: dt, Shape: append(tensor.Shape{}, shape...)})
		f.Inputs = append(f.Inputs, v)
		return v
	}
	for i := range 3 {
		v := input(fmt.Sprint("x", i), tensor.Float32, n)
		f.arrays = append(f.arrays, Array{In: v})
		f.floats = append(f.floats, v)
	}
	for i := range 3 {
		f.numbers = append(f.numbers, input(fmt.Sprint("a", i), tensor.Float32))
	}
	f.numbers = append(f.numbers, f.NewConst("c", tensor.Scalar(float32(0.75))))
	f.flags = append(f.flags, input("flag", tensor.Bool))
	for range 4 + f.r.IntN(14) {
		f.grow(t)
	}
	f.arrays = append(f.arrays, Array{}) // one that is only written
	for i := range f.arrays {
		if i == 0 || f.arrays[i].In == nil || f.r.IntN(3) > 0 {
			f.arrays[i].Out = f.array()
			f.Outputs = append(f.Outputs, f.arrays[i].Out)
		}
	}
	return f
}

func pick(f *fusion, of []*graph.Value) *graph.Value { return of[f.r.IntN(len(of))] }

// array prefers what was computed lately.
func (f *fusion) array() *graph.Value {
	if f.r.IntN(2) == 0 {
		return f.floats[len(f.floats)-1]
	}
	return pick(f, f.floats)
}

// mixed is an array, or in some cases a number.
func (f *fusion) mixed() *graph.Value {
	if f.r.IntN(3) == 0 {
		return pick(f, f.numbers)
	}
	return f.array()
}

func (f *fusion) grow(t *testing.T) {
	t.Helper()
	emit := func(typ string, attrs graph.Attrs, in ...*graph.Value) *graph.Value {
		out, err := op.Build(f.Graph, nil, "", typ, attrs, 1, in...)
		if err != nil {
			t.Fatal(err)
		}
		return out[0]
	}
	one := func(types ...string) string { return types[f.r.IntN(len(types))] }
	pair := func() []*graph.Value { // in any order, one of them an array
		in := []*graph.Value{f.array(), f.mixed()}
		if f.r.IntN(2) == 0 {
			in[0], in[1] = in[1], in[0]
		}
		return in
	}
	scaled := func(v *graph.Value) *graph.Value {
		if f.r.IntN(3) == 0 {
			v = emit("Mul", nil, v, v)
		}
		if f.r.IntN(2) == 0 {
			return emit("Mul", nil, pick(f, f.numbers), v)
		}
		return emit("Mul", nil, v, pick(f, f.numbers))
	}
	switch f.r.IntN(10) {
	case 0, 1:
		f.floats = append(f.floats, emit(one("Add", "Sub", "Mul", "Div", "Max", "Min"), nil, pair()...))
	case 2, 3: // a sum of products
		in := []*graph.Value{scaled(f.array()), f.mixed()}
		if f.r.IntN(2) == 0 {
			in[1] = scaled(f.array())
		}
		if f.r.IntN(2) == 0 {
			in[0], in[1] = in[1], in[0]
		}
		f.floats = append(f.floats, emit(one("Add", "Sub"), nil, in...))
		if f.r.IntN(4) == 0 { // somebody else wants a product
			f.floats = append(f.floats, in[0])
			if in[0].Type.Shape.Elems() == 1 {
				f.floats[len(f.floats)-1] = in[1]
			}
		}
	case 4:
		f.floats = append(f.floats, emit(one("Neg", "Abs", "Sqrt", "Sign", "Relu", "Tanh", "Reciprocal", "Floor", "Identity"), nil, f.array()))
	case 5:
		f.floats = append(f.floats, emit(one("Sum", "Mean", "Max", "Min"), nil, f.array(), f.mixed(), f.array(), f.array()))
	case 6:
		f.truths = append(f.truths, emit(one("Greater", "Less", "GreaterOrEqual", "LessOrEqual", "Equal"), nil, pair()...))
	case 7:
		if len(f.truths) > 0 {
			other := pick(f, append(f.flags, f.truths...))
			f.truths = append(f.truths, emit(one("And", "Or", "Xor"), nil, pick(f, f.truths), other), emit("Not", nil, pick(f, f.truths)))
			f.floats = append(f.floats, emit("Cast", graph.MakeAttrs("to", 1), pick(f, f.truths)))
		}
	case 8:
		cond := pick(f, append(f.flags, f.truths...))
		f.floats = append(f.floats, emit("Where", nil, cond, f.array(), f.mixed()))
	case 9:
		low, high := f.NewConst("", tensor.Scalar(float32(-0.5))), f.numbers[0]
		f.floats = append(f.floats, emit("Clip", nil, f.array(), low, high))
		f.truths = append(f.truths, emit("IsNaN", nil, f.array()))
	}
}

// TestFusedIsBitForBit compares random fused graphs with the same nodes run one by one.
func TestFusedIsBitForBit(t *testing.T) {
	for l := level.Generic; l <= min(level.Detected(), level.AVX512); l++ {
		t.Run(l.String(), func(t *testing.T) {
			defer level.Limit(l)()
			for seed := range uint64(300) {
				n := []int{1, 7, 64, 1000, 5003}[seed%5]
				f := newFusion(t, seed, n)
				fused, err := Fuse(f.Nodes, f.arrays)
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				if !f.compare(t, fused) {
					t.Fatalf("seed %d, %d elements:\n%v", seed, n, f.Graph)
				}
			}
		})
	}
}

func (f *fusion) compare(t *testing.T, fused *Fused) bool {
	t.Helper()
	p, err := engine{}.Compile(f.Graph, backend.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for i, v := range f.Inputs {
		to := p.Tensor(v)
		if v.Type.DType == tensor.Bool {
			to.Data[0] = byte(f.r.IntN(2))
			continue
		}
		copy(to.Data, op.Normalish(f.r.Uint64(), v.Type.Shape...).Data)
		if x := to.F32(); len(x) > 3 {
			x[i%3], x[3] = 0, float32(math.Inf(i%2*2-1))
		}
	}
	var scalars []float32
	for _, v := range fused.Scalars() {
		scalars = append(scalars, float32(p.Tensor(v).Float64s()[0]))
	}
	n := f.Inputs[0].Type.Shape[0]
	arrays := make([][]float32, len(f.arrays))
	for i, a := range f.arrays {
		arrays[i] = make([]float32, n)
		if a.In != nil {
			copy(arrays[i], p.Tensor(a.In).F32())
		}
	}
	before := make([][]float32, len(arrays))
	for i := range arrays {
		before[i] = append(before[i], arrays[i]...)
	}
	if err := p.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	cut := n / 3
	fused.Run(arrays, scalars, cut, n)
	fused.Run(arrays, scalars, 0, cut)
	for i, a := range f.arrays {
		want := before[i]
		if a.Out != nil {
			want = p.Tensor(a.Out).F32()
		}
		for k, got := range arrays[i] {
			if w := want[k]; math.Float32bits(got) != math.Float32bits(w) && (got == got || w == w) {
				t.Errorf("array %d at %d: %v, node by node %v", i, k, got, w)
				return false
			}
		}
	}
	return true
}

// TestFusedMoves exchanges arrays, writes one value twice and leaves another as it is.
func TestFusedMoves(t *testing.T) {
	g := graph.New("moves")
	var in []*graph.Value
	for i := range 4 {
		in = append(in, g.NewValue(fmt.Sprint("x", i), graph.Input, graph.Type{DType: tensor.Float32, Shape: tensor.Shape{3}}))
	}
	double, err := op.Build(g, nil, "", "Add", nil, 1, in[0], in[0])
	if err != nil {
		t.Fatal(err)
	}
	copied, err := op.Build(g, nil, "", "Identity", nil, 1, in[3])
	if err != nil {
		t.Fatal(err)
	}
	f, err := Fuse(g.Nodes, []Array{{in[0], in[1]}, {in[1], in[0]}, {in[2], double[0]}, {in[3], copied[0]}, {nil, double[0]}})
	if err != nil {
		t.Fatal(err)
	}
	a := [][]float32{{1, 2, 3}, {4, 5, 6}, {7, 8, 9}, {10, 11, 12}, {0, 0, 0}}
	f.Run(a, nil, 0, 3)
	if got := fmt.Sprint(a); got != "[[4 5 6] [1 2 3] [2 4 6] [10 11 12] [2 4 6]]" {
		t.Error(got)
	}
}

func TestFuseRefuses(t *testing.T) {
	for _, c := range []struct {
		name, want string
		build      func(g *graph.Graph, x, y *graph.Value) *graph.Value
	}{
		{"reduction", "element by element", func(g *graph.Graph, x, _ *graph.Value) *graph.Value {
			return emitted(t, g, "Mul", x, emitted(t, g, "ReduceSum", x))
		}},
		{"array that is none", "neither one of the arrays", func(g *graph.Graph, x, y *graph.Value) *graph.Value { return emitted(t, g, "Add", x, y) }},
		{"independent", "same for all elements", func(g *graph.Graph, _, y *graph.Value) *graph.Value { return emitted(t, g, "Neg", y) }},
		{"same shape, other elements", "no kernel of Softmax", func(g *graph.Graph, x, _ *graph.Value) *graph.Value { return emitted(t, g, "Softmax", x) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := graph.New("refused")
			typ := graph.Type{DType: tensor.Float32, Shape: tensor.Shape{5}}
			x, y := g.NewValue("x", graph.Input, typ), g.NewValue("y", graph.Input, typ)
			out := c.build(g, x, y)
			_, err := Fuse(g.Nodes, []Array{{x, out}})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func emitted(t *testing.T, g *graph.Graph, typ string, in ...*graph.Value) *graph.Value {
	t.Helper()
	out, err := op.Build(g, nil, "", typ, nil, 1, in...)
	if err != nil {
		t.Fatal(err)
	}
	return out[0]
}

func TestFusedDoesNotAllocate(t *testing.T) {
	f := newFusion(t, 11, 5000)
	fused, err := Fuse(f.Nodes, f.arrays)
	if err != nil {
		t.Fatal(err)
	}
	arrays := make([][]float32, len(f.arrays))
	for i := range arrays {
		arrays[i] = make([]float32, 5000)
	}
	scalars := make([]float32, len(fused.Scalars()))
	if n := leastAllocs(func() { fused.Run(arrays, scalars, 0, 5000) }); n > 0 {
		t.Errorf("%v allocations a run", n)
	}
}
