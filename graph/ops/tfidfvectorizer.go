package ops

import (
	"fmt"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// TfIdfVectorizer counts, in each row of integers, the n-grams of a list: adjacent ones, and those whose items are up to
// max_skip_count items apart.
func init() {
	op.Register(op.Def{
		Type: "TfIdfVectorizer", Since: 9,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 1, 1); err != nil {
				return err
			}
			if err := allow(n, 0, indices); err != nil {
				return err
			}
			if err := rank(n, 0, 0, 2); err != nil {
				return err
			}
			g, err := ngramsOf(n)
			if err != nil {
				return err
			}
			shape := tensor.Shape{g.size}
			if x := shapeOf(n, 0); len(x) == 2 {
				shape = tensor.Shape{x[0], g.size}
			}
			return set(n, 0, tensor.Float32, shape)
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			g, err := ngramsOf(n)
			if err != nil {
				return err
			}
			x, y := in[0].Int64s(), make([]float64, out[0].Elems())
			rows := out[0].Elems() / g.size
			for r := range rows {
				counts := y[r*g.size : (r+1)*g.size]
				g.count(counts, x[r*len(x)/rows:(r+1)*len(x)/rows])
				for i, w := range g.weights {
					counts[i] *= float64(w)
				}
			}
			out[0].SetFloat64s(y)
			return nil
		},
		Samples: func() []op.Sample {
			of := func(name, mode string, longest, skip int, want ...float32) op.Sample {
				return op.Sample{Name: name, In: one(ints(1, 3, 2, 1, 3)), Want: one(tensor.Vector(want...)), Attrs: graph.MakeAttrs(
					"mode", mode, "min_gram_length", 1, "max_gram_length", longest, "max_skip_count", skip,
					"ngram_counts", []int{0, 2}, "ngram_indexes", []int{2, 0, 1, 3}, "pool_int64s", []int{1, 3, 1, 3, 3, 1},
					"weights", []float32{2, 3, 5, 7})}
			}
			return []op.Sample{
				of("counts", "TF", 2, 0, 2, 2, 2, 0),
				of("skips", "TF", 2, 1, 2, 2, 2, 1),
				of("single items", "TF", 1, 1, 2, 0, 2, 0),
				of("presence", "IDF", 2, 1, 2, 3, 5, 7),
				of("weighed counts", "TFIDF", 2, 1, 4, 6, 10, 7),
				{Name: "rows", In: one(tensor.Of(tensor.Shape{2, 2}, int32(1), 3, 3, 3)), Want: one(floats32([]int{2, 1}, 1, 0)),
					Attrs: graph.MakeAttrs("mode", "TF", "min_gram_length", 2, "max_gram_length", 2, "max_skip_count", 0,
						"ngram_counts", []int{0, 0}, "ngram_indexes", []int{0}, "pool_int64s", []int{1, 3})},
			}
		},
	})
}

// ngrams are the n-grams that are counted.
type ngrams struct {
	place             map[string]int // in the result, by key
	size              int            // of the result
	shortest, longest int
	skip              int
	presence          bool      // whether there is one counts, and not how many
	weights           []float32 // of the counts; nil when there are none
}

func ngramsOf(n *graph.Node) (*ngrams, error) {
	pool, counts, at := n.Attrs.Ints("pool_int64s"), n.Attrs.Ints("ngram_counts"), n.Attrs.Ints("ngram_indexes")
	if pool == nil {
		return nil, fmt.Errorf("attribute pool_int64s is missing; strings are not supported")
	}
	g := &ngrams{
		place: map[string]int{}, shortest: n.Attrs.Int("min_gram_length", 0), longest: n.Attrs.Int("max_gram_length", 0),
		skip: n.Attrs.Int("max_skip_count", 0), weights: n.Attrs.Floats("weights"),
	}
	if g.shortest < 1 || g.longest < g.shortest || g.skip < 0 || len(at) == 0 || slices.Min(at) < 0 || slices.Max(at) > 1<<31 {
		return nil, fmt.Errorf("n-grams of %d to %d items, up to %d apart, at %v", g.shortest, g.longest, g.skip, at)
	}
	g.size = slices.Max(at) + 1
	switch mode := n.Attrs.String("mode", ""); mode {
	case "TF":
		g.weights = nil
	case "IDF":
		g.presence = true
	case "TFIDF":
	default:
		return nil, fmt.Errorf("attribute mode is %q; TF, IDF and TFIDF are known", mode)
	}
	if g.weights != nil && len(g.weights) != g.size {
		return nil, fmt.Errorf("%d weights for %d results", len(g.weights), g.size)
	}
	seen := 0
	for i, from := range counts {
		to, length := len(pool), i+1
		if length < len(counts) {
			to = counts[length]
		}
		if from < 0 || from > to || to > len(pool) || (to-from)%length != 0 {
			return nil, fmt.Errorf("attribute ngram_counts is %v for %d items", counts, len(pool))
		}
		for ; from < to; from += length {
			if seen == len(at) {
				return nil, fmt.Errorf("%d n-grams and more for %d places in attribute ngram_indexes", seen, len(at))
			}
			g.place[ngramKey(pool[from:from+length])] = at[seen]
			seen++
		}
	}
	return g, nil
}

func ngramKey(items []int) string { return fmt.Sprint(items) }

// count adds up the n-grams of a row.
func (g *ngrams) count(counts []float64, row []int64) {
	items := make([]int, 0, len(row))
	for distance := 1; distance <= min(g.skip+1, max(len(row), 1)); distance++ {
		for start := range row {
			items = items[:0]
			for i := start; i < len(row) && len(items) < g.longest; i += distance {
				items = append(items, int(row[i]))
				// Single items are the same at every distance.
				if len(items) < g.shortest || len(items) == 1 && distance > 1 {
					continue
				}
				if at, ok := g.place[ngramKey(items)]; ok && g.presence {
					counts[at] = 1
				} else if ok {
					counts[at]++
				}
			}
		}
	}
}
