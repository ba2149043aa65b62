package ops

import (
	"fmt"
	"math"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	register(op.Def{
		Type: "NonMaxSuppression",
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 2, 5); err != nil {
				return err
			}
			for i := range 5 {
				dt := tensor.Float32
				if i == 2 {
					dt = tensor.Int64
				}
				if err := allow(n, i, setOf(dt)); err != nil {
					return err
				}
			}
			in := make([]*tensor.Tensor, len(n.In))
			for i, v := range n.In {
				if in[i] = n.ConstInput(i); v != nil && in[i] == nil {
					return fmt.Errorf("the shape of the result depends on the data of a batch through %q; only a value known "+
						"before the run is supported: train on the boxes and scores themselves and select when the model is used", v.Name)
				}
			}
			kept, err := suppress(n, in)
			if err != nil {
				return err
			}
			return set(n, 0, tensor.Int64, tensor.Shape{len(kept), 3})
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			kept, err := suppress(n, in)
			if err != nil {
				return err
			}
			for i, row := range kept {
				copy(out[0].I64()[3*i:], row[:])
			}
			return nil
		},
		Samples: nonMaxSamples,
	}, 10, 11)
}

// suppress lists [sample, class, box] of the boxes to keep: of each class, in order of their scores, those that overlap
// none before them by more than a threshold.
func suppress(n *graph.Node, in []*tensor.Tensor) ([][3]int64, error) {
	b, s := in[0].Shape, in[1].Shape
	if len(b) != 3 || len(s) != 3 || b[2] != 4 || s[0] != b[0] || s[2] != b[1] {
		return nil, fmt.Errorf("boxes of shape %v and scores of shape %v, want [batch, boxes, 4] and [batch, classes, boxes]", b, s)
	}
	number := func(i int, absent float64) float64 {
		if t := optional(in, i); t != nil && t.Elems() > 0 {
			return t.Float64s()[0]
		}
		return absent
	}
	most, overlap, least := number(2, 0), number(3, 0), number(4, math.Inf(-1))
	scores := in[1].Float64s()
	var kept [][3]int64
	for sample := range s[0] {
		boxes := readBoxes(in[0].Float64s()[sample*b[1]*4:][:b[1]*4], n.Attrs.Bool("center_point_box", false))
		for class := range s[1] {
			var chosen []int
			for _, i := range ranked(scores[(sample*s[1]+class)*s[2]:][:s[2]], least) {
				if float64(len(chosen)) >= most {
					break
				}
				if slices.ContainsFunc(chosen, func(j int) bool { return boxes[i].overlap(boxes[j]) > overlap }) {
					continue
				}
				chosen = append(chosen, i)
				kept = append(kept, [3]int64{int64(sample), int64(class), int64(i)})
			}
		}
	}
	return kept, nil
}

// ranked lists the scores above least from high to low, of equal ones the first.
func ranked(scores []float64, least float64) []int {
	var list []int
	for i, s := range scores {
		if s > least {
			list = append(list, i)
		}
	}
	slices.SortStableFunc(list, func(i, j int) int {
		switch {
		case scores[i] > scores[j]:
			return -1
		case scores[i] < scores[j]:
			return 1
		}
		return 0
	})
	return list
}

type box struct{ y0, x0, y1, x1 float64 }

// readBoxes reads corners [y, x, y, x] in any order, or centers and sizes [x, y, width, height].
func readBoxes(v []float64, centers bool) []box {
	boxes := make([]box, len(v)/4)
	for i := range boxes {
		a, b, c, d := v[4*i], v[4*i+1], v[4*i+2], v[4*i+3]
		boxes[i] = box{min(a, c), min(b, d), max(a, c), max(b, d)}
		if centers {
			boxes[i] = box{b - d/2, a - c/2, b + d/2, a + c/2}
		}
	}
	return boxes
}

func (b box) area() float64 { return (b.y1 - b.y0) * (b.x1 - b.x0) }

// overlap is the area that two boxes share by the area that they cover.
func (b box) overlap(c box) float64 {
	h, w := min(b.y1, c.y1)-max(b.y0, c.y0), min(b.x1, c.x1)-max(b.x0, c.x0)
	if h <= 0 || w <= 0 {
		return 0
	}
	return h * w / (b.area() + c.area() - h*w)
}

func nonMaxSamples() []op.Sample {
	boxes := floats32([]int{1, 4, 4}, 0, 0, 1, 1, 0, 0.1, 1, 1.1, 1, 0, 0, 1, 0, 10, 1, 11)
	of := func(name string, most int64, overlap, least float32, want ...int64) op.Sample {
		scores := floats32([]int{1, 2, 4}, 0.9, 0.75, 0.6, 0.95, 0, 0, 0, 0.5)
		return op.Sample{Name: name, Const: []int{0, 1, 2, 3, 4}, Want: one(tensor.Of(tensor.Shape{len(want) / 3, 3}, want...)),
			In: []*tensor.Tensor{boxes, scores, tensor.Scalar(most), tensor.Scalar(overlap), tensor.Scalar(least)}}
	}
	centers := of("centers", 3, 0.5, 0.7, 0, 0, 3, 0, 0, 0, 0, 0, 1)
	centers.Attrs = graph.MakeAttrs("center_point_box", 1)
	centers.In[0] = floats32([]int{1, 4, 4}, 0.5, 0.5, 1, 1, 1.2, 0.5, 1, 1, 0.5, 0.5, 1, 1, 9, 0.5, 1, 1)
	none := of("no count keeps nothing", 0, 0, 0)
	none.In, none.Const = none.In[:2], none.Const[:2]
	return []op.Sample{
		of("two classes", 3, 0.5, 0.4, 0, 0, 3, 0, 0, 0, 0, 1, 3),
		of("at most one", 1, 0.5, 0, 0, 0, 3, 0, 1, 3),
		of("overlap of 1 is not above 1", 9, 1, 0.55, 0, 0, 3, 0, 0, 0, 0, 0, 1, 0, 0, 2),
		centers, none,
	}
}
