package data

import (
	"math"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// clusters is the task of classifiers of plain vectors: a normal cloud around a centre for each class.
type clusters struct{ classes int }

func (t clusters) write(r *Rand, dst []*tensor.Tensor) {
	class := r.Intn(t.classes)
	dst[len(dst)-1].I64()[0] = int64(class)
	for k, x := range dst[:len(dst)-1] {
		v := make([]float64, x.Elems())
		centre := randAt(taskSeed, uint64(k+1), uint64(class))
		// The centres move together as the axes grow in number, so that the task does not become trivial.
		apart := 2.5 / math.Sqrt(math.Sqrt(float64(len(v))))
		for i := range v {
			v[i] = r.Norm() + apart*centre.Norm()
		}
		x.SetFloat64s(v)
	}
}

// regression is the task of models with real targets: normal inputs, each target a fixed linear map and a sine of a few
// of them, squashed into (0, 1).
type regression struct {
	vocab int
	roles []tokenRole
	ids   []int // the inputs that carry information
}

// regressionTerms is how many input elements a target depends on.
const regressionTerms = 8

func newRegression(w Want, fields []Field, vocab int) *regression {
	if vocab == 0 {
		if vocab = min(w.Vocab, 64); vocab == 0 {
			vocab = 16
		}
	}
	t := &regression{vocab: vocab}
	for i, f := range fields[:len(fields)-1] {
		role := tokenIDs
		if !f.DType.IsFloat() {
			role = roleOf(f)
		}
		if t.roles = append(t.roles, role); role == tokenIDs {
			t.ids = append(t.ids, i)
		}
	}
	return t
}

func (t *regression) write(r *Rand, dst []*tensor.Tensor) {
	inputs := make([][]float64, len(t.roles))
	for k, role := range t.roles {
		x := dst[k]
		v := make([]float64, x.Elems())
		for i := range v {
			switch {
			case x.DType.IsFloat():
				v[i] = r.Norm()
			case role == tokenIDs:
				v[i] = float64(r.Intn(t.vocab))
			case role == tokenMask:
				v[i] = 1
			case role == tokenPositions:
				v[i] = float64(i)
			}
		}
		x.SetFloat64s(v)
		if inputs[k] = v; !x.DType.IsFloat() {
			for i := range v { // the targets see tokens from -1 to 1
				v[i] = 2*v[i]/float64(t.vocab) - 1
			}
		}
	}
	targets := make([]float64, dst[len(dst)-1].Elems())
	for j := range targets {
		targets[j] = t.target(j, inputs)
	}
	dst[len(dst)-1].SetFloat64s(targets)
}

func (t *regression) target(j int, inputs [][]float64) float64 {
	if len(t.ids) == 0 {
		return 0.5
	}
	r := randAt(taskSeed, 0, uint64(j))
	y := 0.0
	for range regressionTerms {
		v := inputs[t.ids[r.Intn(len(t.ids))]]
		y += r.Norm() / math.Sqrt(regressionTerms) * v[r.Intn(len(v))]
	}
	y += 0.5 * math.Sin(3*y)
	return 1 / (1 + math.Exp(-y))
}
