package cpu

import (
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Nodes with bf16 values run on kernels that say so (Kernel.Half), most of which widen a block at a time, in cache (vector), or
// on those of float32 over copies of whole tensors in scratch. Either way the arithmetic is that of float32 and results are
// rounded once.

// bf16 is the elements of a bf16 tensor as bits.
func bf16(t *tensor.Tensor) []uint16 {
	if t.DType != tensor.BFloat16Type {
		panic("cpu: not a bf16 tensor: " + t.DType.String())
	}
	return words[uint16](t)
}

func isHalf(v *graph.Value) bool { return v != nil && v.Type.DType == tensor.BFloat16Type }

func hasHalf(n *graph.Node) bool {
	for _, list := range [][]*graph.Value{n.In, n.Out} {
		for _, v := range list {
			if isHalf(v) {
				return true
			}
		}
	}
	return false
}

// kernelFor is the best kernel for a node, nil when there is none.
func kernelFor(n *graph.Node) *Kernel {
	candidates := Candidates(n)
	if !hasHalf(n) {
		if len(candidates) > 0 {
			return &candidates[0]
		}
		return viewCopy(n)
	}
	for i := range candidates {
		if half := candidates[i].Half; half != nil && half(n) {
			return &candidates[i]
		}
	}
	wide := inFloat32(n)
	if c := viewCopy(wide); c != nil {
		return c
	}
	k := reference
	if list := Candidates(wide); len(list) > 0 {
		k = list[0]
	}
	return throughFloat32(k, wide)
}

func viewCopy(n *graph.Node) *Kernel {
	if op.IsView(n) {
		return &copyView
	}
	return nil
}

// moves is the Half of kernels that take the elements of all outputs from the first input, whatever they are.
func moves(n *graph.Node) bool { return allFloats(n.In[:1]) && allFloats(n.Out) }

// joins is the Half of kernels that take the elements of the output from all inputs.
func joins(n *graph.Node) bool { return allFloats(n.In) && allFloats(n.Out) }

func allFloats(values []*graph.Value) bool {
	for _, v := range values {
		if v != nil && v.Type.DType != tensor.Float32 && !isHalf(v) {
			return false
		}
	}
	return true
}

// inFloat32 is the node as it would be in float32.
func inFloat32(n *graph.Node) *graph.Node {
	wide := *n
	seen := map[*graph.Value]*graph.Value{}
	list := func(values []*graph.Value) []*graph.Value {
		copies := make([]*graph.Value, len(values))
		for i, v := range values {
			copies[i] = v
			if !isHalf(v) {
				continue
			}
			if seen[v] == nil {
				c := *v
				c.Type.DType = tensor.Float32
				if c.Init != nil {
					c.Init = tensor.New(tensor.Float32, v.Init.Shape...)
					c.Init.SetFloat64s(v.Init.Float64s())
				}
				seen[v] = &c
			}
			copies[i] = seen[v]
		}
		return copies
	}
	wide.In, wide.Out = list(n.In), list(n.Out)
	return &wide
}

// throughFloat32 runs k on the node in float32, over copies of the bf16 tensors of n.
func throughFloat32(k Kernel, wide *graph.Node) *Kernel {
	inner := k
	k.Name += "/f32"
	k.Half, k.InPlace, k.AlsoInPlace, k.loops = nil, nil, nil, nil
	k.Scratch = func(n *graph.Node, threads int) int {
		size := 0
		if inner.Scratch != nil {
			size = align(inner.Scratch(wide, threads))
		}
		for _, list := range [][]*graph.Value{n.In, n.Out} {
			for _, v := range list {
				if isHalf(v) {
					size += align(4 * v.Type.Shape.Elems())
				}
			}
		}
		return size
	}
	k.Bind = func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
		rest := s.Mem
		own := 0
		if inner.Scratch != nil {
			own = align(inner.Scratch(wide, s.Pool.Threads()))
		}
		copies := func(list []*tensor.Tensor) []*tensor.Tensor {
			wides := make([]*tensor.Tensor, len(list))
			for i, t := range list {
				wides[i] = t
				if t == nil || t.DType != tensor.BFloat16Type {
					continue
				}
				size := align(4 * t.Elems())
				wides[i] = &tensor.Tensor{DType: tensor.Float32, Shape: t.Shape, Data: rest[own : own+4*t.Elems() : own+4*t.Elems()]}
				own += size
			}
			return wides
		}
		wideIn := copies(in)
		wideOut := copies(out)
		mem := rest[:0]
		if inner.Scratch != nil {
			mem = rest[:inner.Scratch(wide, s.Pool.Threads())]
		}
		run, err := inner.Bind(wide, wideIn, wideOut, Scratch{Pool: s.Pool, Mem: mem})
		if err != nil {
			return nil, err
		}
		var before, after []func() error
		for i, t := range in {
			if wideIn[i] != t {
				before = append(before, bindConvert(s, wideIn[i], t))
			}
		}
		for i, t := range out {
			if wideOut[i] != t {
				after = append(after, bindConvert(s, t, wideOut[i]))
			}
		}
		steps := slices.Concat(before, []func() error{run}, after)
		return func() error {
			for _, f := range steps {
				if err := f(); err != nil {
					return err
				}
			}
			return nil
		}, nil
	}
	return &k
}

// bindConvert copies all elements between float32 and bf16.
func bindConvert(s Scratch, dst, src *tensor.Tensor) func() error {
	y, x := vectorOf(dst), vectorOf(src)
	body := func(_, lo, hi int) { y.convert(lo, &x, lo, hi-lo) }
	return func() error {
		s.Pool.For(y.len(), chunk, body)
		return nil
	}
}
