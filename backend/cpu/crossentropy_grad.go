package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	Register(Kernel{
		Name: "softmax_cross_entropy_grad", Op: graph.OpID{Domain: op.Internal, Type: "SoftmaxCrossEntropyGrad"},
		When: lossFits, InPlace: []int{1},
		Half: func(n *graph.Node) bool {
			return halfAmong(nil, []int{0})(n) && lossShape(n.In[1]).sample() <= lossSample
		},
		Scratch: func(n *graph.Node, threads int) int {
			g := lossShape(n.In[1])
			size := align(4 * g.n * g.d)
			if isHalf(n.Out[0]) {
				size += roomBytes(1, g.sample(), threads)
			}
			return size
		},
		Bind: bindCrossEntropyGrad,
	})
}

// lossSample bounds what a sample has of gradients that are computed in room before they become bf16.
const lossSample = 1 << 20

// sample is the number of scores that are worked on together.
func (g lossGeometry) sample() int { return g.c * g.d }

// bindCrossEntropyGrad computes (exp(log_prob) - onehot(label)) * dloss * weight, over the sum of weights for the mean.
func bindCrossEntropyGrad(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
	g := lossShape(n.In[1])
	dloss, logp, dx := in[0].F32(), in[1].F32(), vectorOf(out[0])
	t := newTargets(n, in[2], elements(in, 3), g.c)
	factor := floats(s.Mem)[:g.n*g.d] // by position
	room := rooms{floats(s.Mem[align(4*g.n*g.d):]), 1, lines(g.sample())}
	rows := func(worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			row, f := dx.place(room.of(worker, 0), i*g.c, i*g.c+g.c), factor[i]
			if f == 0 {
				clear(row)
			} else {
				linalg.Exp(row, logp[i*g.c:i*g.c+g.c])
				linalg.Scale(row, row, f)
				label, _ := t.at(i)
				row[label] -= f
			}
			dx.put(row, i*g.c, i*g.c+g.c)
		}
	}
	planes := func(worker, lo, hi int) {
		for b := lo; b < hi; b++ {
			f := factor[b*g.d : b*g.d+g.d]
			from := b * g.sample()
			sample, logp := dx.place(room.of(worker, 0), from, from+g.sample()), logp[from:from+g.sample()]
			for at := 0; at < len(sample); at += g.d {
				row := sample[at : at+g.d]
				linalg.Exp(row, logp[at:at+g.d])
				linalg.Mul(row, row, f)
			}
			for k, f := range f {
				label, _ := t.at(b*g.d + k)
				sample[label*g.d+k] -= f
			}
			dx.put(sample, from, from+g.sample())
		}
	}
	reduction := n.Attrs.String("reduction", "mean")
	return func() error {
		if err := t.check(); err != nil {
			return err
		}
		setFactors(factor, dloss, t, reduction)
		if g.d == 1 {
			s.Pool.For(g.n, max(1, chunk/g.c), rows)
		} else {
			s.Pool.For(g.n, max(1, chunk/(g.c*g.d)), planes)
		}
		return nil
	}, nil
}

func setFactors(factor, dloss []float32, t *targets, reduction string) {
	scale := 1.0
	if reduction == "mean" {
		scale = 1 / t.total()
	}
	for i := range factor {
		d := dloss[0]
		if reduction == "none" {
			d = dloss[i]
		}
		if _, w := t.at(i); w != 0 {
			factor[i] = float32(float64(d) * float64(w) * scale)
		} else {
			factor[i] = 0
		}
	}
}
