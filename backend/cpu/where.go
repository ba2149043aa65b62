package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	Register(Kernel{
		Name: "where", Op: onnx("Where"), InPlace: []int{1, 2}, When: smallRank,
		Bind: func(_ *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			switch out[0].DType.Size() {
			case 1:
				return bindWhere[uint8](in, out[0], s), nil
			case 2:
				return bindWhere[uint16](in, out[0], s), nil
			case 4:
				return bindWhere[uint32](in, out[0], s), nil
			}
			return bindWhere[uint64](in, out[0], s), nil
		},
	})
}

func bindWhere[T bits](in []*tensor.Tensor, out *tensor.Tensor, s Scratch) func() error {
	cond, a, b, y := tensor.Slice[bool](in[0]), words[T](in[1]), words[T](in[2]), words[T](out)
	loops := broadcastNest(out.Shape, in[0].Shape, in[1].Shape, in[2].Shape)
	cStep, aStep, bStep := loops.inner(1), loops.inner(2), loops.inner(3)
	run := func(at offsets, n int) {
		to := y[at[0] : at[0]+n]
		if cStep == 1 {
			choose(to, cond[at[1]:at[1]+n], a[at[2]:], b[at[3]:], aStep, bStep)
			return
		}
		from, step := b[at[3]:], bStep
		if cond[at[1]] {
			from, step = a[at[2]:], aStep
		}
		if step == 1 {
			copyRun(to, from[:n])
		} else {
			fill(to, from[0])
		}
	}
	body := func(_, lo, hi int) { loops.runs(lo, hi, run) }
	return func() error {
		s.Pool.For(loops.total, chunk, body)
		return nil
	}
}

// choose reads both operands, so that the choice needs no jump, which no processor could predict.
func choose[T bits](y []T, cond []bool, a, b []T, aStep, bStep int) {
	for i, c := range cond {
		v, other := b[i*bStep], a[i*aStep]
		if c {
			v = other
		}
		y[i] = v
	}
}
