package optimizers

import (
	"slices"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func TestInterval(t *testing.T) {
	for _, c := range []struct {
		text string
		due  []int
	}{
		{"1", []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
		{"3", []int{0, 3, 6, 9}},
		{"at:5/0/2", []int{0, 2, 5}},
		{"log4:10", []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 19}},
	} {
		t.Run(c.text, func(t *testing.T) {
			var v interval
			if err := v.UnmarshalText([]byte(c.text)); err != nil {
				t.Fatal(err)
			}
			var due []int
			for at := range c.due[len(c.due)-1] + 1 {
				if v.due(at) {
					due = append(due, at)
				}
			}
			if !slices.Equal(due, c.due) {
				t.Errorf("due at %v, want %v", due, c.due)
			}
		})
	}
	// The recursion that log4 is defined by, far beyond the recordings.
	v, next, log := interval{every: 10, log: true}, 0, 0
	for at := range 100000 {
		for 1<<(2*log+2) <= at+1 {
			log++
		}
		if v.due(at) != (at == next) {
			t.Fatalf("log4:10 at %d: due %v, want %v", at, v.due(at), at == next)
		}
		if at == next {
			next += min(max(log, 1), 10)
		}
	}
}

func TestBadSettings(t *testing.T) {
	for text, want := range map[string]string{
		"ifshampoo,interval=0":                      "above 0",
		"ifshampoo,interval=at:1/x":                 `"x" is no update`,
		"ifshampoo,structure=dens":                  `did you mean "dense"?`,
		"ifshampoo,structure=2:dense/dense/dense":   "3 values for the axes of a tensor of order 2",
		"ifshampoo,grouping=linear_weight_bia":      `did you mean "linear_weight_bias"?`,
		"ifshampoo,factor_dtype=f16":                "none of auto f32 bf16",
		"ifshampoo,beta2=1":                         "outside (0,1)",
		"rfrmsprop,state_dtype=f16":                 "none of f32 bf16",
		"sgd,nesterov":                              "nesterov needs momentum",
		"shampoo,nesterov":                          "nesterov needs momentum",
		"shampoo,graft=adadelta":                    "none of none sgd adagrad rmsprop adam",
		"shampoo,interval=0":                        "outside [1,Inf)",
		"ifshampoo,grouping=flatten_embedding,lr=1": "",
	} {
		t.Run(text, func(t *testing.T) {
			e, s, err := registry.Parse(text)
			if err == nil {
				_, _, err = e.New(s)
			}
			if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("error %v, want %q", err, want)
			}
		})
	}
}

// TestSettingsThatDoNotFit checks settings that only the model shows to be wrong.
func TestSettingsThatDoNotFit(t *testing.T) {
	kernel := registry.ParamInfo{Name: "conv.weight", Shape: tensor.Shape{8, 4, 3, 3}, DType: tensor.Float32, Role: registry.Weight}
	for text, want := range map[string]string{
		"ifshampoo,structure=dense/diagonal":   `parameter "conv.weight": setting structure has 2 values`,
		"ifshampoo,grouping=flatten_embedding": "1 of 1 parameters follow none of the grouping rules",
	} {
		t.Run(text, func(t *testing.T) {
			e, s, err := registry.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			o, _, err := e.New(s)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := registry.NewStepper(o, []registry.ParamInfo{kernel}, nil); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want %q", err, want)
			}
		})
	}
}

func TestLargeAxesAreDiagonal(t *testing.T) {
	c := ifshampooConfig{Structure: structures{perAxis{0: {"dense"}}}, FactorDType: precisions{perAxis{0: {"f32"}}},
		Interval: interval{every: 2}, MaxDenseDim: 100, MaxDenseVector: 10}
	for _, test := range []struct {
		dims []int
		want []string
	}{
		{[]int{100, 101}, []string{"dense", "diagonal"}},
		{[]int{10}, []string{"dense"}},
		{[]int{11}, []string{"diagonal"}},
	} {
		factors, err := c.factors(test.dims, tensor.Float32)
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range factors {
			if f.structure.kind != test.want[i] {
				t.Errorf("axis %d of %v is %s, want %s", i, test.dims, f.structure.kind, test.want[i])
			}
		}
	}
}

func TestGrouping(t *testing.T) {
	ps := []registry.ParamInfo{
		{Name: "fc.weight", Shape: tensor.Shape{5, 7}, Role: registry.Weight},
		{Name: "emb.weight", Shape: tensor.Shape{9, 4}, Role: registry.Embedding},
		{Name: "fc.bias", Shape: tensor.Shape{5}, Role: registry.Bias},
		{Name: "out.weight", Shape: tensor.Shape{7, 3}, Role: registry.Weight}, // stored transposed
		{Name: "out.bias", Shape: tensor.Shape{3}, Role: registry.Bias},
		{Name: "conv.weight", Shape: tensor.Shape{8, 1, 3, 3}, Role: registry.Weight},
	}
	var g grouping
	if err := g.UnmarshalText([]byte("LinearWeightBias/FlattenEmbedding/PerParameter")); err != nil {
		t.Fatal(err)
	}
	want := []struct{ members, dims []int }{
		{[]int{0, 2}, []int{5, 8}}, {[]int{3, 4}, []int{8, 3}}, {[]int{1}, []int{36}}, {[]int{5}, []int{8, 3, 3}},
	}
	for i, members := range g.partition(ps) {
		var infos []registry.ParamInfo
		for _, m := range members {
			infos = append(infos, ps[m])
		}
		if _, dims := g.combined(infos, false); !slices.Equal(members, want[i].members) || !slices.Equal(dims, want[i].dims) {
			t.Errorf("group %d: %v as %v, want %v as %v", i, members, dims, want[i].members, want[i].dims)
		}
	}
}
