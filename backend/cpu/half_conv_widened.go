package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	for _, k := range []Kernel{
		{Name: "conv/widened", Op: onnx("Conv")},
		{Name: "conv_grad_input/widened", Op: graph.OpID{Domain: op.Internal, Type: "ConvGradInput"}},
		{Name: "conv_grad_weight/widened", Op: graph.OpID{Domain: op.Internal, Type: "ConvGradWeight"}},
	} {
		Register(Kernel{
			Name: k.Name, Op: k.Op, Tol: halfTol,
			When:    func(n *graph.Node) bool { return widenedOf(n) != nil },
			Half:    hasHalf,
			Scratch: func(n *graph.Node, threads int) int { return widenedOf(n).scratch(threads) },
			Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
				return widenedOf(n).bind(in, out, s)
			},
		})
	}
}

// widened runs a node that has bf16 tensors as float32 ones, some images at a time: the convolutions that have no kernel of
// their own, such as those of every channel for itself.
type widened struct {
	node    *graph.Node
	images  int // of the batch
	batch   [2]int
	twins   [2]*graph.Node // of so many images each: all but the last, and the last ones
	kernels [2]Kernel
	summed  bool // the result is a sum over images, instead of a part of each
}

// widenedBytes bounds the float32 images that are worked on together.
const widenedBytes = 4 << 20

func widenedOf(n *graph.Node) *widened {
	half := false
	for _, list := range [][]*graph.Value{n.In, n.Out} {
		for _, v := range list {
			if v == nil {
				continue
			}
			if dt := v.Type.DType; dt != tensor.Float32 && dt != tensor.BFloat16Type || v.Type.Shape.Elems() == 0 {
				return nil
			}
			half = half || v.Type.DType == tensor.BFloat16Type
		}
	}
	g, ok := conv2dOf(n)
	if !half || !ok {
		return nil
	}
	w := &widened{node: n, images: g.n, summed: n.Op.Type == "ConvGradWeight"}
	each := max(1, min(g.n, widenedBytes/(4*g.g*(g.c*g.inPlane()+g.m*g.outPlane()))))
	if w.summed && n.Out[0].Type.DType != tensor.Float32 {
		each = g.n // a sum that is rounded once
	}
	w.batch = [2]int{each, (g.n-1)%each + 1}
	for i, images := range w.batch {
		w.twins[i] = w.twin(images)
		fit := Candidates(w.twins[i])
		if len(fit) == 0 {
			return nil
		}
		w.kernels[i] = fit[0]
	}
	return w
}

// batched reports whether input i has images; the output has when it is no sum.
func (w *widened) batched(i int) bool { return i == 0 || w.summed }

// twin is the node for some images in float32.
func (w *widened) twin(images int) *graph.Node {
	like := func(v *graph.Value, batched bool) *graph.Value {
		if v == nil {
			return nil
		}
		shape := v.Type.Shape.Clone()
		if batched {
			shape[0] = images
		}
		return &graph.Value{Name: v.Name, Type: graph.Type{DType: tensor.Float32, Shape: shape}}
	}
	n := &graph.Node{Name: w.node.Name, Op: w.node.Op, Attrs: w.node.Attrs, Out: []*graph.Value{like(w.node.Out[0], !w.summed)}}
	for i, v := range w.node.In {
		n.In = append(n.In, like(v, w.batched(i)))
	}
	if n.Op.Type == "ConvGradInput" {
		n.Attrs = n.Attrs.With("shape", []int(n.Out[0].Type.Shape))
	}
	return n
}

// elems is the number of elements of the larger twin's inputs and output, each from a cache line on.
func (w *widened) elems() int {
	total := roundUp(w.twins[0].Out[0].Type.Shape.Elems(), 16)
	for _, v := range w.twins[0].In {
		if v != nil {
			total += roundUp(v.Type.Shape.Elems(), 16)
		}
	}
	return total
}

func (w *widened) scratch(threads int) int {
	most := 0
	for i, k := range w.kernels {
		if k.Scratch != nil {
			most = max(most, k.Scratch(w.twins[i], threads))
		}
	}
	return 4*w.elems() + most
}

func (w *widened) bind(in, out []*tensor.Tensor, s Scratch) (func() error, error) {
	mem := s.Mem[:4*w.elems()]
	s.Mem = s.Mem[len(mem):]
	var rooms []*tensor.Tensor // of the twin's inputs and its output
	for _, v := range append(w.twins[0].In[:len(w.twins[0].In):len(w.twins[0].In)], w.twins[0].Out[0]) {
		if v == nil {
			rooms = append(rooms, nil)
			continue
		}
		size := bytesOf(v.Type)
		rooms = append(rooms, &tensor.Tensor{DType: tensor.Float32, Shape: v.Type.Shape, Data: mem[:size:size]})
		mem = mem[roundUp(size, 64):]
	}
	var runs [2]func() error
	for i, n := range w.twins {
		args := w.shrink(rooms, n)
		last := len(args) - 1
		run, err := w.kernels[i].Bind(n, args[:last], args[last:], w.scratchOf(i, s))
		if err != nil {
			return nil, err
		}
		runs[i] = run
	}
	return w.loop(runs, rooms, append(in[:len(in):len(in)], out[0]), s), nil
}

func (w *widened) scratchOf(i int, s Scratch) Scratch {
	size := 0
	if k := w.kernels[i]; k.Scratch != nil {
		size = k.Scratch(w.twins[i], s.Pool.Threads())
	}
	s.Mem = s.Mem[:size]
	return s
}

// shrink is the beginnings of rooms that the twin n needs.
func (w *widened) shrink(rooms []*tensor.Tensor, n *graph.Node) []*tensor.Tensor {
	var all []*tensor.Tensor
	for i, v := range append(n.In[:len(n.In):len(n.In)], n.Out[0]) {
		if v == nil {
			all = append(all, nil)
			continue
		}
		all = append(all, &tensor.Tensor{DType: tensor.Float32, Shape: v.Type.Shape, Data: rooms[i].Data[:bytesOf(v.Type)]})
	}
	return all
}

// loop is a run: tensors are the node's inputs and its output.
func (w *widened) loop(runs [2]func() error, rooms, tensors []*tensor.Tensor, s Scratch) func() error {
	inputs, result := tensors[:len(tensors)-1], tensors[len(tensors)-1]
	place := rooms[len(inputs)].F32()
	copies := make([]func(from, count int), len(inputs))
	perImage := make([]int, len(inputs)+1)
	for i, t := range tensors {
		if t != nil {
			perImage[i] = t.Elems() / t.Shape[0]
		}
	}
	for i, t := range inputs {
		if t != nil {
			copies[i] = widener(rooms[i].F32(), t, s)
		}
	}
	put := narrower(result, place, s)
	add := adder(result, place, s)
	return func() error {
		for first := 0; first < w.images; first += w.batch[0] {
			count, run := w.batch[0], runs[0]
			if first+count >= w.images {
				count, run = w.batch[1], runs[1]
			}
			for i, c := range copies {
				switch {
				case c == nil:
				case w.batched(i):
					c(first*perImage[i], count*perImage[i])
				case first == 0:
					c(0, inputs[i].Elems())
				}
			}
			if err := run(); err != nil {
				return err
			}
			switch {
			case !w.summed:
				put(first*perImage[len(inputs)], count*perImage[len(inputs)])
			case first == 0:
				put(0, len(place))
			default:
				add(len(place))
			}
		}
		return nil
	}
}

// widener copies elements of t to the beginning of dst.
func widener(dst []float32, t *tensor.Tensor, s Scratch) func(from, count int) {
	at := 0
	body := func(_, lo, hi int) { copy(dst[lo:hi], t.F32()[at+lo:]) }
	if t.DType == tensor.BFloat16Type {
		src := halfElements(t)
		body = func(_, lo, hi int) { linalg.Widen(dst[lo:hi], src[at+lo:at+hi]) }
	}
	return func(from, count int) {
		at = from
		s.Pool.For(count, chunk, body)
	}
}

// narrower copies the beginning of src to elements of t.
func narrower(t *tensor.Tensor, src []float32, s Scratch) func(to, count int) {
	at := 0
	body := func(_, lo, hi int) { copy(t.F32()[at+lo:], src[lo:hi]) }
	if t.DType == tensor.BFloat16Type {
		dst := halfElements(t)
		body = func(_, lo, hi int) { linalg.Narrow(dst[at+lo:], src[lo:hi]) }
	}
	return func(to, count int) {
		at = to
		s.Pool.For(count, chunk, body)
	}
}

// adder adds src to t, which is float32.
func adder(t *tensor.Tensor, src []float32, s Scratch) func(count int) {
	body := func(_, lo, hi int) {
		sums := t.F32()[lo:hi]
		addVV(sums, sums, src[lo:hi])
	}
	return func(count int) { s.Pool.For(count, chunk, body) }
}
