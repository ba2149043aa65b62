package ops

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// attentionData is what attention reads, with keys and values as [batch, heads, positions, size].
type attentionData struct {
	q, k, v []float64
	bias    []float64 // what the mask adds to scores; -Inf bars a key
	valid   []int64   // how many keys each sample has; nil for all
	strides []int     // of bias over [batch, heads, queries, keys]
	width   int       // keys that the mask covers; those beyond are barred
}

// masks reads a mask, numbers that are added or bools that say which keys take part, and the lengths of samples.
func (x *attentionData) masks(a *attention, mask, valid *tensor.Tensor) error {
	if mask != nil {
		x.bias = mask.Float64s()
		if mask.DType == tensor.Bool {
			for i, keep := range x.bias {
				x.bias[i] = 0
				if keep == 0 {
					x.bias[i] = math.Inf(-1)
				}
			}
		}
		x.width = mask.Shape[len(mask.Shape)-1]
		x.strides = mask.Shape.BroadcastStrides(tensor.Shape{a.batch, a.heads, a.queries, x.width})
	}
	if valid == nil {
		return nil
	}
	x.valid = valid.Int64s()
	for b, count := range x.valid {
		if count < 0 || count > int64(a.keys) {
			return fmt.Errorf("sample %d has %d valid keys of %d", b, count, a.keys)
		}
	}
	return nil
}

// attentionRow is one query of one head.
type attentionRow struct {
	batch, head, query int
	index              int // of the row in [batch, heads, queries]
	queryAt, outAt     int // the query in q, and its result in y
	// The stages of the scores, a number for each key: products, softened by softcap, biased, and after softmax.
	// A key that is barred has the weight 0 whatever its score.
	products, softened, biased, weights []float64
}

// eachRow calls do for every query of every head.
func (a *attention) eachRow(x *attentionData, do func(*attentionRow)) {
	r := &attentionRow{
		products: make([]float64, a.keys), softened: make([]float64, a.keys),
		biased: make([]float64, a.keys), weights: make([]float64, a.keys),
	}
	q := layoutOf(len(a.y), a.heads, a.queries, a.size)
	y := layoutOf(len(a.y), a.heads, a.queries, a.valueSize)
	for r.batch = range a.batch {
		for r.head = range a.heads {
			for r.query = range a.queries {
				r.queryAt, r.outAt = q.at(r.batch, r.head, r.query), y.at(r.batch, r.head, r.query)
				do(r)
				r.index++
			}
		}
	}
}

// keyAt and valueAt find the vector of key j in attentionData.
func (r *attentionRow) keyAt(a *attention, j int) int   { return r.kv(a, j) * a.size }
func (r *attentionRow) valueAt(a *attention, j int) int { return r.kv(a, j) * a.valueSize }

func (r *attentionRow) kv(a *attention, j int) int {
	return (r.batch*a.kvHeads+r.head/(a.heads/a.kvHeads))*a.keys + j
}

// stage is what qk_matmul_output shows in mode 0 to 3.
func (r *attentionRow) stage(mode int) []float64 {
	return [][]float64{r.products, r.softened, r.biased, r.weights}[mode]
}

// forward computes the stages. A row of which every key is barred has weights of zero.
func (r *attentionRow) forward(a *attention, x *attentionData) {
	query := x.q[r.queryAt:][:a.size]
	highest := math.Inf(-1)
	for j := range r.products {
		dot := 0.0
		for d, k := range x.k[r.keyAt(a, j):][:a.size] {
			dot += query[d] * k
		}
		r.products[j] = dot * a.scale
		r.softened[j] = r.products[j]
		if a.softcap > 0 {
			r.softened[j] = a.softcap * math.Tanh(r.products[j]/a.softcap)
		}
		bias := r.bias(a, x, j)
		r.biased[j] = r.softened[j] + bias
		r.weights[j] = bias
		if !math.IsInf(bias, -1) {
			highest = math.Max(highest, r.biased[j])
		}
	}
	sum := 0.0
	for j, bias := range r.weights {
		if r.weights[j] = 0; !math.IsInf(bias, -1) {
			r.weights[j] = math.Exp(r.biased[j] - highest)
		}
		sum += r.weights[j]
	}
	if sum == 0 {
		return
	}
	for j := range r.weights {
		r.weights[j] /= sum
	}
}

// bias is what is added to the score of key j.
func (r *attentionRow) bias(a *attention, x *attentionData, j int) float64 {
	before := a.past
	if x.valid != nil {
		if j >= int(x.valid[r.batch]) {
			return math.Inf(-1)
		}
		// The queries are the last of the valid keys.
		before = int(x.valid[r.batch]) - a.queries
	}
	ahead := j - (before + r.query)
	if a.causal && ahead > 0 || a.right >= 0 && ahead > a.right || a.left >= 0 && -ahead > a.left {
		return math.Inf(-1)
	}
	switch {
	case x.bias == nil:
		return 0
	case j >= x.width:
		return math.Inf(-1)
	}
	return x.bias[r.maskAt(x, j)]
}

// maskAt is the element of the mask that goes to key j.
func (r *attentionRow) maskAt(x *attentionData, j int) int {
	return r.batch*x.strides[0] + r.head*x.strides[1] + r.query*x.strides[2] + j*x.strides[3]
}
