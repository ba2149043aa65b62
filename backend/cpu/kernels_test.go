package cpu

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	_ "github.com/onnxtrain/onnxtrain/graph/ops"
	level "github.com/onnxtrain/onnxtrain/internal/cpu"
	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// call is a sample of an operator version.
type call struct {
	def op.Def
	op.Sample
	out tensor.DType // see largerCall
}

func (c call) String() string { return fmt.Sprintf("%v/%s", c.def.ID(), c.Name) }

// larger are calls at sizes that reach the blocked and parallel parts of kernels, which the samples are too small
// for. Files of kernel families add theirs in init, by operator at the version that op.EmitOpset has.
var larger []largerCall

type largerCall struct {
	domain, typ string
	opset       int          // 0: op.EmitOpset
	out         tensor.DType // of outputs, when it is not what inference says
	op.Sample
}

func calls(t *testing.T) []call {
	var all []call
	for _, def := range op.All() {
		if def.Samples != nil {
			for _, s := range def.Samples() {
				all = append(all, call{def: def, Sample: s})
			}
		}
	}
	for _, l := range larger {
		if l.opset == 0 {
			l.opset = op.EmitOpset
		}
		def, err := op.Resolve(l.domain, l.typ, l.opset)
		if err != nil {
			t.Errorf("larger %q: %v", l.Name, err)
			continue
		}
		l.Name = "larger " + l.Name
		all = append(all, call{def, l.Sample, l.out})
	}
	return all
}

// node builds and infers the call. One that says what its outputs are has inputs of several types, as only passes make, and is
// inferred as if all were float32.
func (c call) node() (*graph.Node, error) {
	g := graph.New("call")
	n := &graph.Node{Name: "n", Op: c.def.ID(), Attrs: c.Attrs}
	for i, in := range c.In {
		switch {
		case in == nil:
			n.In = append(n.In, nil)
		case slices.Contains(c.Const, i):
			n.In = append(n.In, g.NewConst("", in))
		default:
			n.In = append(n.In, g.NewValue("", graph.Input, graph.Type{DType: in.DType, Shape: in.Shape}))
		}
	}
	for range max(c.Outs, 1) {
		n.Out = append(n.Out, g.NewValue("", graph.Computed, graph.Type{}))
	}
	g.AddNode(n)
	if c.out == tensor.Invalid {
		return n, c.def.Infer(n)
	}
	return n, c.inferMixed(n)
}

func (c call) inferMixed(n *graph.Node) error {
	for _, v := range n.In {
		if v != nil && v.Type.DType.IsFloat() {
			v.Type.DType = tensor.Float32
		}
	}
	if err := c.def.Infer(n); err != nil {
		return err
	}
	for i, v := range n.In {
		if v != nil {
			v.Type.DType = c.In[i].DType
		}
	}
	for _, v := range n.Out {
		v.Type.DType = c.out
	}
	return nil
}

// call binds and runs the kernel twice over poisoned memory. inPlace >= 0 puts output 0 over that input.
func (k Kernel) call(n *graph.Node, in []*tensor.Tensor, threads, inPlace int) ([]*tensor.Tensor, error) {
	if inPlace < 0 {
		return k.callOver(n, in, threads)
	}
	return k.callOver(n, in, threads, [2]int{0, inPlace})
}

// callOver is call with outputs over inputs.
func (k Kernel) callOver(n *graph.Node, in []*tensor.Tensor, threads int, over ...[2]int) ([]*tensor.Tensor, error) {
	in = slices.Clone(in)
	out := make([]*tensor.Tensor, len(n.Out))
	for i, v := range n.Out {
		out[i] = tensor.New(v.Type.DType, v.Type.Shape...)
		poison(out[i].Data)
	}
	for _, pair := range over {
		dst, source := out[pair[0]], in[pair[1]]
		copy(dst.Data, source.Data)
		in[pair[1]] = &tensor.Tensor{DType: source.DType, Shape: source.Shape, Data: dst.Data}
	}
	pool := par.New(threads)
	defer pool.Close()
	s := Scratch{Pool: pool}
	if k.Scratch != nil {
		s.Mem = tensor.New(tensor.Uint8, k.Scratch(n, threads)).Data
		poison(s.Mem)
	}
	run, err := k.Bind(n, in, out, s)
	if err != nil {
		return nil, err
	}
	if err := run(); err != nil || len(over) > 0 {
		return out, err
	}
	first := make([][]byte, len(out))
	for i := range out {
		first[i] = bytes.Clone(out[i].Data)
	}
	if allocs := leastAllocs(func() { err = run() }); allocs > 0 {
		return out, fmt.Errorf("%v allocations in a run", allocs)
	}
	for i := range out {
		if !bytes.Equal(first[i], out[i].Data) {
			return out, fmt.Errorf("output %d of the second run differs", i)
		}
	}
	return out, err
}

// leastAllocs is the number of allocations of f. The runtime's own, when it starts a thread for instance, count too but do
// not recur.
func leastAllocs(f func()) float64 {
	least := math.Inf(1)
	for range 3 {
		if least = min(least, testing.AllocsPerRun(1, f)); least == 0 {
			break
		}
	}
	return least
}

func poison(b []byte) {
	for i := range b {
		b[i] = 0xff // as float32 a NaN
	}
}

func compare(got, want *tensor.Tensor, tol Tol) error {
	if tol == (Tol{}) {
		tol = Tol{1e-5, 1e-5}
	}
	if !got.DType.IsFloat() {
		if !bytes.Equal(got.Data, want.Data) {
			return fmt.Errorf("elements differ")
		}
		return nil
	}
	w := want.Float64s()
	for i, g := range got.Float64s() {
		if math.IsNaN(g) && math.IsNaN(w[i]) || g == w[i] {
			continue
		}
		if d := math.Abs(g - w[i]); !(d <= tol.Abs+tol.Rel*math.Abs(w[i])) {
			return fmt.Errorf("element %d of %v is %v, the reference says %v", i, want.Shape, g, w[i])
		}
	}
	return nil
}

// TestKernels compares every kernel with the reference, on every instruction set, for several numbers of threads,
// which must give the same bits, and over the memory of an input where that is allowed.
func TestKernels(t *testing.T) {
	tested := map[string]bool{}
	for _, c := range calls(t) {
		n, err := c.node()
		if err != nil {
			continue // reported by the operators' own tests
		}
		if len(kernelsOf(n)) == 0 {
			continue
		}
		want, err := op.EvalNode(n, c.In)
		if err != nil {
			t.Errorf("%v: reference: %v", c, err)
			continue
		}
		for l := level.Generic; l <= level.Detected(); l++ {
			restore := level.Limit(l)
			for _, k := range Candidates(n) {
				tested[k.Name] = true
				t.Run(fmt.Sprintf("%v/%s/%v", c, k.Name, l), func(t *testing.T) { testKernel(t, k, n, c.In, want) })
			}
			restore()
		}
	}
	for _, list := range kernels.byType {
		for _, k := range list {
			if !tested[k.Name] && k.Level <= level.Detected() && !strings.HasPrefix(k.Name, "test/") {
				t.Errorf("no sample reaches kernel %s", k.Name)
			}
		}
	}
}

func kernelsOf(n *graph.Node) []Kernel { return kernels.byType[[2]string{n.Op.Domain, n.Op.Type}] }

func testKernel(t *testing.T, k Kernel, n *graph.Node, in, want []*tensor.Tensor) {
	var one []*tensor.Tensor
	for threads := 1; threads <= 3; threads++ {
		got, err := k.call(n, in, threads, -1)
		if err != nil {
			t.Fatalf("%d threads: %v", threads, err)
		}
		if threads == 1 {
			one = got
		}
		for i := range want {
			if err := compare(got[i], want[i], k.Tol); err != nil && threads == 1 {
				t.Errorf("output %d: %v", i, err)
			}
			if !bytes.Equal(got[i].Data, one[i].Data) {
				t.Errorf("output %d: %d threads give other bits than one", i, threads)
			}
		}
	}
	testInPlace(t, k, n, in, one)
}

// testInPlace compares runs over the memory of inputs, with one output and with two, with one over memory of its own.
func testInPlace(t *testing.T, k Kernel, n *graph.Node, in, want []*tensor.Tensor) {
	fits := func(pair [2]int) bool {
		return len(n.Out) > pair[0] && n.Out[pair[0]] != nil && n.Input(pair[1]) != nil && sameSize(n.In[pair[1]].Type, n.Out[pair[0]].Type)
	}
	var ways [][][2]int
	for _, i := range k.InPlace {
		ways = append(ways, [][2]int{{0, i}})
	}
	for _, pair := range k.AlsoInPlace {
		for _, i := range k.InPlace {
			if i != pair[1] {
				ways = append(ways, [][2]int{{0, i}, pair})
			}
		}
		ways = append(ways, [][2]int{pair})
	}
	for _, over := range ways {
		if slices.ContainsFunc(over, func(pair [2]int) bool { return !fits(pair) }) {
			continue
		}
		got, err := k.callOver(n, in, 2, over...)
		if err != nil {
			t.Fatalf("outputs over inputs %v: %v", over, err)
		}
		for o := range got {
			if !bytes.Equal(got[o].Data, want[o].Data) {
				t.Errorf("output %d: other bits with outputs over inputs %v", o, over)
			}
		}
	}
}
