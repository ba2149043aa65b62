package pass

import (
	"testing"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// TestFindLoss tells losses from other outputs.
func TestFindLoss(t *testing.T) {
	mean := graph.MakeAttrs("keepdims", 0)
	tests := map[string]struct {
		output string
		write  func(s *sketch, x, y *graph.Value)
		loss   string // "" for none
		label  string
		scores bool
	}{
		"logits": {"", func(s *sketch, x, _ *graph.Value) { s.output("logits", s.op("Neg", nil, x)) }, "", "", false},
		"cross-entropy after logits": {"", func(s *sketch, x, y *graph.Value) {
			s.output("logits", s.op("Neg", nil, x))
			s.output("l", s.op("SoftmaxCrossEntropyLoss", nil, x, y))
		}, "l", "y", true},
		"likelihood, label reshaped": {"", func(s *sketch, x, y *graph.Value) {
			flat := s.op("Reshape", nil, s.op("Identity", nil, y), s.ints(-1))
			s.output("l", s.op("Identity", nil, s.op("NegativeLogLikelihoodLoss", nil, s.op("LogSoftmax", nil, x), flat)))
		}, "l", "y", true},
		"number in front": {"", func(s *sketch, x, _ *graph.Value) {
			s.output("error", s.op("ReduceMean", mean, s.op("Mul", nil, x, x)))
			s.output("logits", s.op("Neg", nil, x))
		}, "error", "", false},
		"number behind, such as a penalty": {"", func(s *sketch, x, _ *graph.Value) {
			s.output("logits", s.op("Neg", nil, x))
			s.output("penalty", s.op("ReduceMean", mean, x))
		}, "", "", false},
		"number behind, chosen": {"penalty", func(s *sketch, x, _ *graph.Value) {
			s.output("logits", s.op("Neg", nil, x))
			s.output("penalty", s.op("ReduceMean", mean, x))
		}, "penalty", "", false},
		"one number called loss": {"", func(s *sketch, x, _ *graph.Value) {
			s.output("my_Loss", s.op("ReduceMean", graph.MakeAttrs("axes", []int{0, 1}), x))
		}, "my_Loss", "", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSketch()
			test.write(s, s.input("x", tensor.Float32, 2, 3), s.input("y", tensor.Int64, 2))
			build(t, s, Options{Loss: Loss{Kind: "none"}})
			own, err := FindLoss(s.Graph, test.output)
			if err != nil {
				t.Fatal(err)
			}
			if own == nil || test.loss == "" {
				if own != nil || test.loss != "" {
					t.Fatalf("found %+v, want %q", own, test.loss)
				}
				return
			}
			label := ""
			if own.Label != nil {
				label = own.Label.Name
			}
			if own.Loss.Name != test.loss || label != test.label || (own.Scores != nil) != test.scores {
				t.Errorf("loss %s, label %q, scores %v", own.Loss.Name, label, own.Scores)
			}
		})
	}
}
