package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	Register(Kernel{
		Name: "conv/direct", Op: onnx("Conv"), Rank: 1, Tol: Tol{Abs: 1e-4, Rel: 2e-5},
		When:    func(n *graph.Node) bool { return convFits(n) && directOf(n) != nil },
		Scratch: func(n *graph.Node, threads int) int { return directOf(n).scratch(threads) },
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			return bindDirect(&directRun{direct: directOf(n), x: in[0].F32(), w: in[1].F32(), bias: elements(in, 2), y: out[0].F32()}, s), nil
		},
	})
	Register(Kernel{
		Name: "conv_grad_input/direct", Op: graph.OpID{Domain: op.Internal, Type: "ConvGradInput"}, Rank: 1, Tol: Tol{Abs: 1e-4, Rel: 2e-5},
		When:    func(n *graph.Node) bool { return convFits(n) && directOf(n) != nil },
		Scratch: func(n *graph.Node, threads int) int { return directOf(n).scratch(threads) },
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			return bindDirect(&directRun{direct: directOf(n), x: in[0].F32(), w: in[1].F32(), y: out[0].F32(), turned: true}, s), nil
		},
	})
}

// directOf plans the direct convolution of a node, nil where there is none.
func directOf(n *graph.Node) *direct {
	v, ok := conv2dOf(n)
	if !ok || max(v.sh, v.sw) > directStride {
		return nil
	}
	var d *direct
	if n.Op.Type == "Conv" {
		d = v.forwardDirect()
	} else {
		d = v.inputGradDirect()
	}
	if !d.plan() {
		return nil
	}
	return d
}

func (d *direct) scratch(threads int) int {
	return 4 * (roundUp(d.g*d.filters(), 16) + threads*d.room())
}

func bindDirect(r *directRun, s Scratch) func() error {
	mem := floats(s.Mem)
	filters := roundUp(r.g*r.filters(), 16)
	r.packed, r.rooms = mem[:filters], mem[filters:]
	r.cleared = make([]bool, s.Pool.Threads())
	pack, convolve := r.packStrips, r.convolve
	return func() error {
		clear(r.cleared)
		s.Pool.For(r.g*len(r.sets)*r.strips, 1, pack)
		s.Pool.For(r.tasks(), 1, convolve)
		return nil
	}
}
