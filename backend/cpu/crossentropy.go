package cpu

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	Register(Kernel{
		Name: "softmax_cross_entropy", Op: onnx("SoftmaxCrossEntropyLoss"), When: lossFits,
		Scratch: func(n *graph.Node, threads int) int {
			g := lossShape(n.In[0])
			floats := g.n * g.d
			if n.Output(1) == nil {
				floats += threads * g.c * min(g.d, lossStrip)
			}
			return 4 * (floats + 2*threads*min(g.d, lossStrip))
		},
		Bind: bindCrossEntropy,
	})
}

// lossStrip is how many positions of scores [n, c, positions] are worked on together.
const lossStrip = 256

// lossGeometry is scores of c classes at n*d positions, laid out [n, c, d].
type lossGeometry struct{ n, c, d int }

func lossShape(scores *graph.Value) lossGeometry {
	shape := scores.Type.Shape
	return lossGeometry{shape[0], shape[1], shape[2:].Elems()}
}

func lossFits(n *graph.Node) bool {
	scores, labels := n.In[0].Type, n.In[1].Type
	if n.Op.Domain != "" { // the gradient: dloss, log_prob, labels, weights
		scores, labels = n.In[1].Type, n.In[2].Type
	}
	return scores.DType == tensor.Float32 && len(scores.Shape) >= 2 && scores.Shape.Elems() > 0 &&
		(labels.DType == tensor.Int64 || labels.DType == tensor.Int32)
}

// targets gives each position its label and weight.
type targets struct {
	classes int
	i64     []int64
	i32     []int32
	weights []float32 // by class, nil for 1
	ignore  int
	ignores bool
}

func newTargets(n *graph.Node, labels *tensor.Tensor, weights []float32, classes int) *targets {
	t := &targets{classes: classes, weights: weights, ignores: n.Attrs.Has("ignore_index"), ignore: n.Attrs.Int("ignore_index", 0)}
	if labels.DType == tensor.Int64 {
		t.i64 = labels.I64()
	} else {
		t.i32 = tensor.Slice[int32](labels)
	}
	return t
}

// at is the label of position i, and its weight, 0 when it is ignored.
func (t *targets) at(i int) (label int, weight float32) {
	if t.i64 != nil {
		label = int(t.i64[i])
	} else {
		label = int(t.i32[i])
	}
	switch {
	case t.ignores && label == t.ignore:
		return 0, 0
	case t.weights != nil:
		return label, t.weights[label]
	}
	return label, 1
}

// check reports the first label that is no class, before loops that cannot report it run.
func (t *targets) check() error {
	for i := range max(len(t.i64), len(t.i32)) {
		label := 0
		if t.i64 != nil {
			label = int(t.i64[i])
		} else {
			label = int(t.i32[i])
		}
		if (label < 0 || label >= t.classes) && !(t.ignores && label == t.ignore) {
			return fmt.Errorf("label %d at position %d is not one of %d classes", label, i, t.classes)
		}
	}
	return nil
}

// total is the sum of all weights, which the mean divides by.
func (t *targets) total() float64 {
	total := 0.0
	for i := range max(len(t.i64), len(t.i32)) {
		_, w := t.at(i)
		total += float64(w)
	}
	return total
}

func bindCrossEntropy(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
	g := lossShape(n.In[0])
	x, loss, logp := in[0].F32(), out[0].F32(), elements(out, 1)
	t := newTargets(n, in[1], elements(in, 2), g.c)
	strip := min(g.d, lossStrip)
	strips := ceilDiv(g.d, strip)
	each, mem := floats(s.Mem)[:g.n*g.d], floats(s.Mem)[g.n*g.d:]
	rowRoom := mem[:2*s.Pool.Threads()*strip]
	classRoom := mem[len(rowRoom):]
	body := func(worker, lo, hi int) {
		top, total := rowRoom[2*worker*strip:][:strip], rowRoom[(2*worker+1)*strip:][:strip]
		for i := lo; i < hi; i++ {
			b, from := i/strips, i%strips*strip
			width := min(strip, g.d-from)
			scores := x[b*g.c*g.d+from:]
			var dst []float32
			step := g.d
			if logp != nil {
				dst = logp[b*g.c*g.d+from:]
			} else {
				dst, step = classRoom[worker*g.c*strip:], strip
			}
			if g.d == 1 {
				logSoftmaxRow(dst[:g.c], scores[:g.c])
			} else {
				logSoftmaxStrip(dst, scores, step, g.d, g.c, top[:width], total[:width])
			}
			for k := range width {
				at := b*g.d + from + k
				each[at] = 0
				if label, w := t.at(at); w != 0 {
					each[at] = -w * dst[label*step+k]
				}
			}
		}
	}
	grain := max(1, chunk/(g.c*strip))
	reduction := n.Attrs.String("reduction", "mean")
	return func() error {
		if err := t.check(); err != nil {
			return err
		}
		s.Pool.For(g.n*strips, grain, body)
		if reduction == "none" {
			copy(loss, each)
			return nil
		}
		sum := 0.0
		for _, v := range each {
			sum += float64(v)
		}
		if weight := t.total(); reduction == "mean" && weight != 0 {
			sum /= weight
		}
		loss[0] = float32(sum)
		return nil
	}, nil
}

// logSoftmaxStrip computes the log-softmax over classes of len(top) neighbouring positions; the classes of a position
// are step apart in dst and stride apart in x. Like logSoftmaxRow it takes the maximum off by itself, and leaves
// positions where all scores are -Inf as they are.
func logSoftmaxStrip(dst, x []float32, step, stride, classes int, top, total []float32) {
	width := len(top)
	copy(top, x)
	for c := 1; c < classes; c++ {
		linalg.Maximum(top, top, x[c*stride:c*stride+width])
	}
	infiniteToZero(top)
	clear(total)
	for c := range classes {
		row := dst[c*step : c*step+width]
		linalg.Sub(row, x[c*stride:], top)
		linalg.Exp(row, row)
		linalg.Add(total, total, row)
	}
	linalg.Log(total, total)
	infiniteToZero(total)
	for c := range classes {
		row := dst[c*step : c*step+width]
		linalg.Sub(row, x[c*stride:], top)
		linalg.Sub(row, row, total)
	}
}

func infiniteToZero(x []float32) {
	for i, v := range x {
		if math.IsInf(float64(v), -1) {
			x[i] = 0
		}
	}
}
