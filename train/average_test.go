package train

import (
	"math"
	"slices"
	"testing"
)

// TestAverage checks --ema against its definition, that it is evaluated, and that training goes on from the weights.
func TestAverage(t *testing.T) {
	s := openModel(t, "mlp", func(c *Config) { c.EMA, c.LR = 0.6, new(float64); *c.LR = 0.5 })
	trainer := trainerOf(t, s)
	all := batches(t, s)
	mean := s.Engine.Values[0].Float64s()
	for step := 1; step <= 12; step++ {
		steps(t, trainer, all[:1], 1)
		d := min(0.6, float64(1+step)/float64(10+step))
		for i, w := range s.Engine.Values[0].Float64s() {
			mean[i] = d*mean[i] + (1-d)*w
		}
	}
	before := s.Engine.Values[0].Clone()
	err := trainer.withEvalWeights(func() error {
		for i, x := range s.Engine.Values[0].Float64s() {
			if math.Abs(x-mean[i]) > 1e-6 {
				t.Fatalf("element %d is %v, want %v", i, x, mean[i])
			}
		}
		return nil
	})
	if err != nil || !slices.Equal(before.Data, s.Engine.Values[0].Data) {
		t.Errorf("the weights in training changed, or error %v", err)
	}
	var names []string
	for _, slot := range trainer.opt.Slots {
		names = append(names, slot.Name)
	}
	if want := s.Engine.Params[0].Name + "/weights.ema"; !slices.Contains(names, want) {
		t.Errorf("slots %v lack %s", names, want)
	}
}

// TestEvalWeights checks that what a schedule-free optimizer evaluates is not what it trains, and that neither is lost.
func TestEvalWeights(t *testing.T) {
	s := openModel(t, "mlp", func(c *Config) { c.Opt = "schedulefree,lr=0.05" })
	trainer := trainerOf(t, s)
	steps(t, trainer, batches(t, s), 5)
	training := s.Engine.Values[0].Clone()
	for range 2 {
		err := trainer.withEvalWeights(func() error {
			if slices.Equal(training.Data, s.Engine.Values[0].Data) {
				t.Error("the weights in training are evaluated")
			}
			return nil
		})
		if err != nil || !slices.Equal(training.Data, s.Engine.Values[0].Data) {
			t.Fatalf("the weights in training changed, or error %v", err)
		}
	}
}
