package pass

import (
	"math"
	"slices"
	"testing"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// normSketch is a network around a BatchNorm in training form.
type normSketch struct{ typedSketch }

func (s normSketch) param(name string, seed uint64, shape ...int) *graph.Value {
	v := s.NewConst(name, op.Normalish(seed, shape...))
	v.Kind = graph.Param
	return v
}

// norm is a BatchNorm of x, which has 3 channels, with its running statistics.
func (s normSketch) norm(x *graph.Value) *graph.Value {
	n := uint64(len(s.Values))
	state := func(lo, hi float64) *graph.Value {
		v := s.NewConst("", op.Uniform(n, lo, hi, 3))
		v.Kind = graph.State
		return v
	}
	in := []*graph.Value{x, s.param("", n, 3), s.param("", n+1, 3), state(-1, 1), state(0.5, 2)}
	out, err := op.Build(s.Graph, nil, op.Internal, "BatchNormTraining", graph.MakeAttrs("epsilon", 1e-3, "momentum", 0.75), 5, in...)
	if err != nil {
		panic(err)
	}
	s.Updates = append(s.Updates, graph.Update{State: in[3], Value: out[1]}, graph.Update{State: in[4], Value: out[2]})
	return out[0]
}

func (s normSketch) number(x float32) *graph.Value { return s.NewConst("", tensor.Scalar(x)) }

var normForms = []struct {
	name   string
	fused  int      // BatchNorms that become fused
	absent []string // what is not left
	write  func(s normSketch, x, r *graph.Value) *graph.Value
}{
	{"relu", 1, []string{"Relu", "ReluGrad"}, func(s normSketch, x, _ *graph.Value) *graph.Value {
		return s.op("Relu", nil, s.norm(x))
	}},
	{"relu6", 1, []string{"Clip", "ClipGrad"}, func(s normSketch, x, _ *graph.Value) *graph.Value {
		return s.op("Clip", nil, s.norm(x), s.number(0), s.number(0.75))
	}},
	{"clip with a bound that is computed", 0, nil, func(s normSketch, x, _ *graph.Value) *graph.Value {
		return s.op("Clip", nil, s.norm(x), s.op("ReduceMin", graph.MakeAttrs("keepdims", 0), x))
	}},
	{"residual", 1, []string{"Relu", "ReluGrad", "Add"}, func(s normSketch, x, r *graph.Value) *graph.Value {
		return s.op("Relu", nil, s.op("Add", nil, s.norm(x), r))
	}},
	{"residual first, no activation", 1, []string{"Add"}, func(s normSketch, x, r *graph.Value) *graph.Value {
		return s.op("Add", nil, r, s.norm(x))
	}},
	{"residual before a clip", 1, []string{"Add"}, func(s normSketch, x, r *graph.Value) *graph.Value {
		return s.op("Clip", nil, s.op("Add", nil, s.norm(x), r), s.number(0), s.number(0.75))
	}},
	{"two sums of norms", 1, []string{"Relu", "Add"}, func(s normSketch, x, r *graph.Value) *graph.Value {
		return s.op("Relu", nil, s.op("Add", nil, s.norm(x), s.norm(r)))
	}},
	{"doubled", 0, nil, func(s normSketch, x, _ *graph.Value) *graph.Value {
		y := s.norm(x)
		return s.op("Relu", nil, s.op("Add", nil, y, y))
	}},
	{"a bias for each column", 0, nil, func(s normSketch, x, _ *graph.Value) *graph.Value {
		return s.op("Relu", nil, s.op("Add", nil, s.norm(x), s.param("columns", 9, 4)))
	}},
	{"read twice", 0, nil, func(s normSketch, x, _ *graph.Value) *graph.Value {
		y := s.norm(x)
		return s.op("Mul", nil, y, s.op("Relu", nil, y))
	}},
}

// TestFusedBatchNormTrainsTheSame compares loss, gradients and running statistics with those of the graph as it was.
func TestFusedBatchNormTrainsTheSame(t *testing.T) {
	for _, form := range normForms {
		t.Run(form.name, func(t *testing.T) {
			step := func(passes ...func(*Built, *Options) error) (*graph.Graph, []*tensor.Tensor) {
				s := normSketch{typedSketch{newSketch()}}
				y := form.write(s, s.param("x", 1, 2, 3, 5, 4), s.param("r", 2, 2, 3, 5, 4))
				loss := s.op("ReduceMean", graph.MakeAttrs("keepdims", 0), s.op("Mul", nil, y, s.weight("w", 2, 3, 5, 4)))
				read := func(v *graph.Value) bool {
					return slices.ContainsFunc(s.Nodes, func(n *graph.Node) bool { return slices.Contains(n.In, v) })
				}
				b := &Built{Graph: s.Graph, Loss: loss, Output: y}
				for _, v := range s.Params() {
					if read(v) {
						b.Params = append(b.Params, v)
					}
				}
				for _, run := range append(passes, gradient, clean) {
					if err := run(b, &Options{Training: true}); err != nil {
						t.Fatal(err)
					}
				}
				s.Outputs = append([]*graph.Value{b.Loss}, b.Grads...)
				for _, u := range s.Updates {
					s.Outputs = append(s.Outputs, u.Value)
				}
				return s.Graph, evaluate(t, s.Graph, nil)
			}
			_, want := step()
			g, got := step(fuse)
			fused := 0
			for _, n := range g.Nodes {
				if n.Op.Type == "FusedBatchNorm" {
					fused++
				}
				if slices.Contains(form.absent, n.Op.Type) {
					t.Errorf("a %s is left", n.Op.Type)
				}
			}
			if fused != form.fused {
				t.Errorf("%d BatchNorms are fused, want %d", fused, form.fused)
			}
			for i := range want {
				w := want[i].F32()
				for k, v := range got[i].F32() {
					if math.Abs(float64(v-w[k])) > 1e-6 {
						t.Fatalf("element %d of output %d is %v, and was %v", k, i, v, w[k])
					}
				}
			}
		})
	}
}
