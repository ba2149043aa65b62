package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

// Nodes with bf16 values run on kernels that say so (Kernel.Half) or on the kernels of float32, which then work on widened
// copies: of a block of elements at a time, in cache, where the kernel goes element by element, and of whole tensors in
// scratch otherwise. Either way the arithmetic is that of float32 and results are rounded once.

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
	if c := viewCopy(n); c != nil {
		return c
	}
	wide := inFloat32(n)
	k := reference
	if list := Candidates(wide); len(list) > 0 {
		k = list[0]
	} else if isView(wide) {
		k = copyView
	}
	if k.loops != nil && inBlocks(n) {
		return blockwise(k, wide)
	}
	return throughFloat32(k, wide)
}

func viewCopy(n *graph.Node) *Kernel {
	if isView(n) {
		return &copyView
	}
	return nil
}

// moves is the Half of kernels that take the elements of all outputs from the first input, whatever they are.
func moves(n *graph.Node) bool {
	return sameType(n.In[:1]) && sameType(n.Out) && n.In[0].Type.DType == n.Out[0].Type.DType
}

// joins is the Half of kernels that take the elements of the output from all inputs.
func joins(n *graph.Node) bool {
	return sameType(n.In) && sameType(n.Out) && n.In[0].Type.DType == n.Out[0].Type.DType
}

func sameType(values []*graph.Value) bool {
	for _, v := range values {
		if v != nil && v.Type.DType != values[0].Type.DType {
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
		var before, after []func()
		for i, t := range in {
			if wideIn[i] != t {
				before = append(before, bindWiden(s, wideIn[i].F32(), bf16(t)))
			}
		}
		for i, t := range out {
			if wideOut[i] != t {
				after = append(after, bindNarrow(s, bf16(t), wideOut[i].F32()))
			}
		}
		return func() error {
			for _, f := range before {
				f()
			}
			if err := run(); err != nil {
				return err
			}
			for _, f := range after {
				f()
			}
			return nil
		}, nil
	}
	return &k
}

func bindWiden(s Scratch, dst []float32, src []uint16) func() {
	body := func(_, lo, hi int) { linalg.Widen(dst[lo:hi], src[lo:hi]) }
	return func() { s.Pool.For(len(src), chunk, body) }
}

func bindNarrow(s Scratch, dst []uint16, src []float32) func() {
	body := func(_, lo, hi int) { linalg.Narrow(dst[lo:hi], src[lo:hi]) }
	return func() { s.Pool.For(len(src), chunk, body) }
}

// halfBlock is the number of elements that are widened at a time: with three operands 12 KiB of float32.
const halfBlock = 1024

// inBlocks reports whether every operand has the result's shape, so that a block of it is a block of each.
func inBlocks(n *graph.Node) bool {
	for _, v := range n.In {
		if v == nil || !v.Type.Shape.Equal(n.Out[0].Type.Shape) {
			return false
		}
	}
	return len(n.Out) == 1
}

// blockwise runs an elementwise kernel's function on widened blocks.
func blockwise(k Kernel, wide *graph.Node) *Kernel {
	f := k.loops(wide)
	k.Name += "/half"
	k.Half, k.loops = nil, nil
	k.InPlace = nil
	for i := range wide.In {
		k.InPlace = append(k.InPlace, i)
	}
	k.Scratch = func(_ *graph.Node, threads int) int { return threads * align(4*2*halfBlock) }
	k.Bind = func(_ *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
		memory := floats(s.Mem)
		var read []func(block []float32, lo, hi int) []float32
		for _, t := range in {
			read = append(read, blockReader(t))
		}
		write := blockWriter(out[0])
		share := 1 / float32(len(in))
		body := func(worker, lo, hi int) {
			acc := memory[worker*2*halfBlock:][:halfBlock]
			operand := memory[worker*2*halfBlock+halfBlock:][:halfBlock]
			for ; lo < hi; lo += halfBlock {
				end := min(lo+halfBlock, hi)
				y := acc[:end-lo]
				x := read[0](y, lo, end)
				switch {
				case f.one != nil:
					f.one(y, x)
				case len(read) == 1:
					copy(y, x)
				}
				if f.one == nil {
					for _, next := range read[1:] {
						f.two.vv(y, x, next(operand, lo, end))
						x = y
					}
					if f.mean {
						mulVS(y, y, share)
					}
				}
				write(y, lo, end)
			}
		}
		total := out[0].Elems()
		return func() error {
			s.Pool.For(total, chunk, body)
			return nil
		}, nil
	}
	return &k
}

// blockReader gives the elements [lo, hi) of a float tensor, in block where they have to be widened.
func blockReader(t *tensor.Tensor) func(block []float32, lo, hi int) []float32 {
	if t.DType == tensor.Float32 {
		x := t.F32()
		return func(_ []float32, lo, hi int) []float32 { return x[lo:hi] }
	}
	x := bf16(t)
	return func(block []float32, lo, hi int) []float32 {
		block = block[:hi-lo]
		linalg.Widen(block, x[lo:hi])
		return block
	}
}

// blockWriter puts a block at the elements [lo, hi) of a float tensor.
func blockWriter(t *tensor.Tensor) func(block []float32, lo, hi int) {
	if t.DType == tensor.Float32 {
		y := t.F32()
		return func(block []float32, lo, hi int) { copy(y[lo:hi], block) }
	}
	y := bf16(t)
	return func(block []float32, lo, hi int) { linalg.Narrow(y[lo:hi], block) }
}
