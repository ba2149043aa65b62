package pass

import (
	"math"
	"testing"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func filled(f func(i, j int) float64, shape ...int) *tensor.Tensor {
	t := tensor.New(tensor.Float32, shape...)
	width := shape[len(shape)-1]
	x := make([]float64, t.Elems())
	for i := range x {
		x[i] = f(i/width, i%width)
	}
	t.SetFloat64s(x)
	return t
}

func TestTablesAreTold(t *testing.T) {
	uneven := func(i, j int) float64 { return math.Sin(float64(3*i + 7*j + 1)) }
	for _, c := range []struct {
		name  string
		t     *tensor.Tensor
		table bool
	}{
		{"weight", filled(uneven, 4, 4), false},
		{"ones", filled(func(i, j int) float64 { return 1 }, 4, 4), false},
		{"identity", filled(func(i, j int) float64 {
			if i == j {
				return 1
			}
			return 0
		}, 4, 4), false},
		{"ramp", filled(func(i, j int) float64 { return float64(j) / 4 }, 1, 5), false},
		{"frequencies", filled(func(i, j int) float64 { return math.Pow(10000, -float64(j)/8) }, 1, 8), true},
		{"slopes", filled(func(i, j int) float64 { return math.Pow(2, -2*float64(j+1)) }, 1, 4), true},
		{"causal", filled(func(i, j int) float64 {
			if j > i {
				return 0
			}
			return 1 / float64(i+1)
		}, 4, 4), true},
		{"additive", filled(func(i, j int) float64 {
			if j > i {
				return -math.MaxFloat32
			}
			return 0
		}, 4, 4), true},
		{"infinite", filled(func(i, j int) float64 { return math.Inf(-1) }, 1, 4), true},
		{"grid", filled(func(i, j int) float64 { return []float64{float64(i%3) - 1, float64(i/3) - 1, 1}[j] }, 9, 3), true},
	} {
		g := graph.New("g")
		if got := newTables(g).has(g.NewConst("c", c.t)); got != c.table {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestSinesAndCosinesAreTold(t *testing.T) {
	angle := func(i, j int) float64 { return float64(i) * math.Pow(100, -float64(j%2)/2) }
	g := graph.New("g")
	cos := g.NewConst("cos", filled(func(i, j int) float64 { return math.Cos(angle(i, j)) }, 6, 4))
	sin := g.NewConst("sin", filled(func(i, j int) float64 { return math.Sin(angle(i, j)) }, 6, 4))
	weight := g.NewConst("w", filled(func(i, j int) float64 { return math.Sin(float64(5*i+3*j)) / 2 }, 6, 4))
	tables := newTables(g)
	if !tables.has(cos) || !tables.has(sin) || tables.has(weight) {
		t.Errorf("cos %v, sin %v, weight %v", tables.has(cos), tables.has(sin), tables.has(weight))
	}
}
