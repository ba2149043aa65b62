package ops

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Exporters write BatchNormalization in three forms: with one output, for inference; in training before opset 14 with
// the five outputs y, mean, var, saved_mean, saved_var; in training since opset 14 with training_mode 1 and the three
// outputs y, running_mean, running_var. Running statistics are momentum*old + (1-momentum)*batch, with the population's
// variance, where PyTorch takes the sample's.
func init() {
	for _, since := range []int{1, 6, 7, 9, 14, 15} {
		op.Register(op.Def{
			Type: "BatchNormalization", Since: since,
			Infer:   inferBatchNorm,
			Grad:    gradBatchNorm,
			Eval:    evalBatchNorm,
			Samples: func() []op.Sample { return batchNormSamples(since) },
		})
	}
}

// batchStatistics reports whether a BatchNormalization uses the statistics of the batch.
func batchStatistics(n *graph.Node) bool {
	if n.Op.Since >= 14 {
		return n.Attrs.Bool("training_mode", false)
	}
	for i := 1; i < len(n.Out); i++ {
		if n.Out[i] != nil {
			return !n.Attrs.Bool("is_test", false)
		}
	}
	return false
}

func inferBatchNorm(n *graph.Node) error {
	most := 5
	if n.Op.Since >= 14 {
		most = 3
	}
	if len(n.Out) > most {
		return fmt.Errorf("%d outputs, at most %d are allowed", len(n.Out), most)
	}
	if n.Op.Since < 9 && !n.Attrs.Bool("spatial", true) {
		return fmt.Errorf("attribute spatial is 0, statistics for each position, which is not supported; export with opset 9 or later")
	}
	return inferChannelNorm(n)
}

// inferChannelNorm checks x, scale, bias, mean and variance, and infers y and, of the type of mean, a number for each
// channel as every other output.
func inferChannelNorm(n *graph.Node) error {
	if err := inputs(n, 5, 5); err != nil {
		return err
	}
	if err := allow(n, 0, floats); err != nil {
		return err
	}
	if err := rank(n, 0, 1, -1); err != nil {
		return err
	}
	if err := perChannel(n, 0, 1, 2, 3, 4); err != nil {
		return err
	}
	if err := set(n, 0, typeOf(n, 0), shapeOf(n, 0)); err != nil {
		return err
	}
	for i := 1; i < len(n.Out); i++ {
		if err := set(n, i, typeOf(n, 3), shapeOf(n, 3)); err != nil {
			return err
		}
	}
	return nil
}

func evalBatchNorm(n *graph.Node, in, out []*tensor.Tensor) error {
	eps := n.Attrs.Float("epsilon", 1e-5)
	if batchStatistics(n) {
		b := normaliseBatch(in, eps, n.Attrs.Float("momentum", 0.9))
		setOutputs(out, b.y, b.mean, b.variance, b.savedMean, b.savedVariance)
		return nil
	}
	x, mean, variance := in[0].Float64s(), in[3].Float64s(), in[4].Float64s()
	scale, bias := in[1].Float64s(), in[2].Float64s()
	l := channelsOf(in[0].Shape)
	for c := range l.count {
		a := scale[c] / math.Sqrt(variance[c]+eps)
		l.each(c, func(i int) { x[i] = (x[i]-mean[c])*a + bias[c] })
	}
	setOutputs(out, x, mean, variance, mean, variance)
	return nil
}

// setOutputs stores a value for each output that is asked for.
func setOutputs(out []*tensor.Tensor, values ...[]float64) {
	for i, t := range out {
		if t != nil {
			t.SetFloat64s(values[i])
		}
	}
}

// gradBatchNorm gives the gradient through y alone: the other outputs are state, not part of the function.
func gradBatchNorm(b *op.Backward) {
	if b.Grad(0) == nil {
		return
	}
	if !batchStatistics(b.Node) {
		gradFixedBatchNorm(b)
		return
	}
	attrs := graph.MakeAttrs("epsilon", b.Node.Attrs.Float("epsilon", 1e-5), "momentum", b.Node.Attrs.Float("momentum", 0.9))
	again := b.Emit(op.Internal, "BatchNormTraining", attrs, 5, b.Node.In...)
	setBatchNormGrad(b, again[3], again[4])
	for i := 3; i < 5; i++ {
		if b.Want(i) {
			b.Set(i, zeros(b, b.In(i)))
		}
	}
}

// gradFixedBatchNorm is the gradient with given statistics, where y is linear in x.
func gradFixedBatchNorm(b *op.Backward) {
	x, dy := b.In(0), b.Grad(0)
	r := len(x.Type.Shape)
	wide := func(v *graph.Value) *graph.Value { return column(b, as(b, v, x), r) }
	eps := b.Scalar(b.In(4), b.Node.Attrs.Float("epsilon", 1e-5))
	invstd := b.Op("Reciprocal", b.Op("Sqrt", b.Op("Add", b.In(4), eps)))
	factor := b.Op("Mul", as(b, b.In(1), b.In(4)), invstd)
	if b.Want(0) {
		b.Set(0, b.Op("Mul", dy, wide(factor)))
	}
	total := toChannels(b, dy)
	centred := b.Op("Add", x, times(b, wide(b.In(3)), -1))
	along := as(b, toChannels(b, b.Op("Mul", dy, centred)), b.In(4))
	if b.Want(1) {
		b.Set(1, as(b, b.Op("Mul", along, invstd), b.In(1)))
	}
	if b.Want(2) {
		b.Set(2, as(b, total, b.In(2)))
	}
	if b.Want(3) {
		b.Set(3, times(b, b.Op("Mul", as(b, total, b.In(3)), as(b, factor, b.In(3))), -1))
	}
	if b.Want(4) {
		b.Set(4, times(b, b.Op("Mul", b.Op("Mul", along, factor), b.Op("Mul", invstd, invstd)), -0.5))
	}
}

func batchNormSamples(since int) []op.Sample {
	of := func(name string, outs int, x *tensor.Tensor, attrs ...any) op.Sample {
		c := channelsOf(x.Shape).count
		return op.Sample{Name: name, Outs: outs, Attrs: graph.MakeAttrs(attrs...), In: []*tensor.Tensor{
			x, op.Uniform(2, 0.5, 1.5, c), op.Normalish(3, c), op.Normalish(4, c), op.Uniform(5, 0.5, 2, c)}}
	}
	known := op.Sample{Name: "by hand", Attrs: graph.MakeAttrs("epsilon", 1.0), Want: one(floats32([]int{1, 2, 2}, 3, 4, -3, 1)),
		In: []*tensor.Tensor{floats32([]int{1, 2, 2}, 3, 5, 1, 3), floats32([]int{2}, 1, 4), floats32([]int{2}, 2, 1),
			floats32([]int{2}, 1, 3), floats32([]int{2}, 3, 3)}}
	all := []op.Sample{
		known,
		of("images", 1, op.Normalish(1, 2, 3, 2, 2)),
		of("rows", 1, op.Normalish(1, 4, 3), "epsilon", 0.01),
		of("one channel", 1, op.Normalish(1, 4)),
	}
	attrs, outs := []any{"momentum", 0.75}, 5
	if since >= 14 {
		attrs, outs = append(attrs, "training_mode", 1), 3
		all = append(all, of("training, y alone", 1, op.Normalish(1, 3, 2, 2), attrs...))
	}
	// Statistics have no gradient: the finite differences see one.
	training := of("training", outs, op.Normalish(1, 3, 2, 2), attrs...)
	training.NoGrad = true
	exact := op.Sample{Name: "training by hand", Outs: outs, NoGrad: true, Attrs: graph.MakeAttrs(attrs...).With("epsilon", 3.0),
		In: []*tensor.Tensor{floats32([]int{2, 1, 1}, 1, 3), floats32([]int{1}, 4), floats32([]int{1}, 1),
			floats32([]int{1}, 4), floats32([]int{1}, 5)},
		Want: []*tensor.Tensor{floats32([]int{2, 1, 1}, -1, 3), floats32([]int{1}, 3.5), floats32([]int{1}, 4),
			floats32([]int{1}, 2), floats32([]int{1}, 1)}[:outs]}
	return append(all, training, exact)
}
