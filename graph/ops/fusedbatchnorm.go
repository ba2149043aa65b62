package ops

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// FusedBatchNorm is what passes make of a BatchNormTraining, the residual that is added to it and the activation behind:
//
//	y = activation(x*factor + shift + residual), factor = scale/sqrt(variance+epsilon), shift = bias - mean*factor
//
// Inputs are those of BatchNormTraining and the residual, of the shape of x, which may be absent; outputs are those of
// BatchNormTraining, factor and shift. The attribute activation is "none", "relu", or "clip" with the bounds low and high.
func init() {
	op.Register(op.Def{
		Domain: op.Internal, Type: "FusedBatchNorm", Since: 1,
		Infer:   inferFusedBatchNorm,
		NoGrad:  []int{3, 4},
		Grad:    gradFusedBatchNorm,
		Eval:    evalFusedBatchNorm,
		Samples: fusedBatchNormSamples,
	})
}

func inferFusedBatchNorm(n *graph.Node) error {
	if len(n.Out) > 7 {
		return fmt.Errorf("%d outputs, at most 7 are allowed", len(n.Out))
	}
	if err := inputs(n, 5, 6); err != nil {
		return err
	}
	if r := n.Input(5); r != nil && (r.Type.DType != typeOf(n, 0) || !r.Type.Shape.Equal(shapeOf(n, 0))) {
		return fmt.Errorf("the residual %q is %v beside %v", r.Name, r.Type, n.In[0].Type)
	}
	if _, err := gateOf(n); err != nil {
		return err
	}
	normal := *n
	normal.In = n.In[:5]
	return inferChannelNorm(&normal)
}

// gate is the activation of a fused node.
type gate struct {
	kind      string
	low, high float64
}

func gateOf(n *graph.Node) (gate, error) {
	g := gate{n.Attrs.String("activation", "none"), n.Attrs.Float("low", math.Inf(-1)), n.Attrs.Float("high", math.Inf(1))}
	switch g.kind {
	case "none", "relu", "clip":
		return g, nil
	}
	return g, fmt.Errorf("activation %q is none of none relu clip", g.kind)
}

func (g gate) apply(x float64) float64 {
	switch g.kind {
	case "relu":
		return max(x, 0)
	case "clip":
		return min(max(x, g.low), g.high)
	}
	return x
}

// open reports whether the gradient at x goes through, as it does for Relu and Clip.
func (g gate) open(x float64) bool {
	switch g.kind {
	case "relu":
		return x > 0
	case "clip":
		return x >= g.low && x <= g.high
	}
	return true
}

// gradFusedBatchNorm has the gradient find out where a rectifier was open: from y where a residual was added, and
// otherwise from x, which it reads in any case.
func gradFusedBatchNorm(b *op.Backward) {
	dy := b.Grad(0)
	if dy == nil {
		return
	}
	mean, invstd := ask(b, 3), ask(b, 4)
	act, err := gateOf(b.Node)
	if fails(b, err) {
		return
	}
	if act.kind == "none" {
		setBatchNormGrad(b, mean, invstd)
		if b.Want(5) {
			b.Set(5, dy)
		}
		return
	}
	in := []*graph.Value{dy, b.In(0), b.In(1), mean, invstd}
	switch {
	case b.In(5) == nil:
		in = append(in, ask(b, 5), ask(b, 6))
	case act.kind == "relu":
		in = append(in, nil, nil, b.Out(0))
	default:
		fails(b, fmt.Errorf("a residual before activation %q has no gradient", act.kind))
		return
	}
	outs := 3
	if b.Want(5) {
		outs = 4
	}
	d := b.Emit(op.Internal, "FusedBatchNormGrad", b.Node.Attrs.Without("epsilon").Without("momentum"), outs, in...)
	for i, to := range []int{0, 1, 2, 5}[:outs] {
		if b.Want(to) && b.Err == nil {
			b.Set(to, as(b, d[i], b.In(to)))
		}
	}
}

func evalFusedBatchNorm(n *graph.Node, in, out []*tensor.Tensor) error {
	act, err := gateOf(n)
	if err != nil {
		return err
	}
	eps := n.Attrs.Float("epsilon", 1e-5)
	b := normaliseBatch(in[:5], eps, n.Attrs.Float("momentum", 0.9))
	scale, bias := in[1].Float64s(), in[2].Float64s()
	invstd, factor, shift := make([]float64, len(scale)), make([]float64, len(scale)), make([]float64, len(scale))
	for c, v := range b.savedVariance {
		invstd[c] = 1 / math.Sqrt(v+eps)
		factor[c] = scale[c] * invstd[c]
		shift[c] = bias[c] - factor[c]*b.savedMean[c]
	}
	residual := make([]float64, len(b.y))
	if r := optional(in, 5); r != nil {
		residual = r.Float64s()
	}
	for i, v := range b.y {
		b.y[i] = act.apply(v + residual[i])
	}
	setOutputs(out, b.y, b.mean, b.variance, b.savedMean, invstd, factor, shift)
	return nil
}

func fusedBatchNormSamples() []op.Sample {
	of := func(name string, outs int, x, residual *tensor.Tensor, attrs ...any) op.Sample {
		c := channelsOf(x.Shape).count
		// With more outputs than y, which carry no gradient, finite differences see one.
		s := op.Sample{Name: name, Outs: outs, NoGrad: outs > 1, Attrs: graph.MakeAttrs(attrs...).With("epsilon", 1e-3).With("momentum", 0.75),
			In: []*tensor.Tensor{x, op.Uniform(2, 0.5, 1.5, c), op.Normalish(3, c), op.Normalish(4, c), op.Uniform(5, 0.5, 2, c)}}
		if residual != nil {
			s.In = append(s.In, residual)
		}
		return s
	}
	exact := op.Sample{Name: "by hand", Outs: 7, NoGrad: true, Attrs: graph.MakeAttrs("epsilon", 3.0, "momentum", 0.75, "activation", "relu"),
		In: []*tensor.Tensor{floats32([]int{2, 1, 1}, 1, 3), floats32([]int{1}, 4), floats32([]int{1}, 1),
			floats32([]int{1}, 4), floats32([]int{1}, 5), floats32([]int{2, 1, 1}, -5, 2)},
		Want: []*tensor.Tensor{floats32([]int{2, 1, 1}, 0, 5), floats32([]int{1}, 3.5), floats32([]int{1}, 4),
			floats32([]int{1}, 2), floats32([]int{1}, 0.5), floats32([]int{1}, 2), floats32([]int{1}, -3)}}
	image := func(seed uint64) *tensor.Tensor { return op.Normalish(seed, 2, 3, 3, 2) }
	return []op.Sample{
		exact,
		of("rectified images", 1, image(1), nil, "activation", "relu"),
		of("rectified rows", 1, op.Normalish(1, 5, 3), nil, "activation", "relu"),
		of("clipped", 1, image(1), nil, "activation", "clip", "low", -0.5, "high", 1.0),
		of("rectified sum", 1, image(1), image(6), "activation", "relu"),
		of("sum", 1, image(1), image(6)),
		of("every output", 7, op.Normalish(1, 3, 2, 2), op.Normalish(6, 3, 2, 2), "activation", "relu"),
	}
}
