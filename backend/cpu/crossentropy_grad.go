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
		Scratch: func(n *graph.Node, _ int) int {
			g := lossShape(n.In[1])
			return 4 * g.n * g.d
		},
		Bind: bindCrossEntropyGrad,
	})
}

// bindCrossEntropyGrad computes (exp(log_prob) - onehot(label)) * dloss * weight, over the sum of weights for the mean.
func bindCrossEntropyGrad(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
	g := lossShape(n.In[1])
	dloss, logp, dx := in[0].F32(), in[1].F32(), out[0].F32()
	t := newTargets(n, in[2], elements(in, 3), g.c)
	factor := floats(s.Mem) // by position
	rows := func(_, lo, hi int) {
		for i := lo; i < hi; i++ {
			row, f := dx[i*g.c:i*g.c+g.c], factor[i]
			if f == 0 {
				clear(row)
				continue
			}
			linalg.Exp(row, logp[i*g.c:i*g.c+g.c])
			linalg.Scale(row, row, f)
			label, _ := t.at(i)
			row[label] -= f
		}
	}
	planes := func(_, lo, hi int) {
		for b := lo; b < hi; b++ {
			f := factor[b*g.d : b*g.d+g.d]
			from := b * g.c * g.d
			for c := range g.c {
				row := dx[from+c*g.d : from+c*g.d+g.d]
				linalg.Exp(row, logp[from+c*g.d:from+c*g.d+g.d])
				linalg.Mul(row, row, f)
			}
			for k, f := range f {
				label, _ := t.at(b*g.d + k)
				dx[from+label*g.d+k] -= f
			}
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
